// The host's log.

import { log as host } from "#host/log";
import { encodeMessage } from "./msgpack.js";

function write(level, message, fields) {
  const known = Object.entries({ ...fields, level, message: String(message) }).filter(([, value]) => value !== undefined);
  host.write(encodeMessage(Object.fromEntries(known)));
}

/** Writes a line, with further fields: `log.info("made a slug", { slug })`. */
export const log = {
  trace: (message, fields) => write("trace", message, fields),
  debug: (message, fields) => write("debug", message, fields),
  info: (message, fields) => write("info", message, fields),
  warn: (message, fields) => write("warn", message, fields),
  error: (message, fields) => write("error", message, fields),
};
