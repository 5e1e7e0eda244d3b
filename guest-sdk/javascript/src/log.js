// The host's log.

import { log as host } from "#host/log";
import { encode } from "./msgpack.js";

function write(level, message, fields) {
  host.write(encode({ ...fields, level, message: String(message) }));
}

/** Writes a line, with further fields: `log.info("made a slug", { slug })`. */
export const log = {
  trace: (message, fields) => write("trace", message, fields),
  debug: (message, fields) => write("debug", message, fields),
  info: (message, fields) => write("info", message, fields),
  warn: (message, fields) => write("warn", message, fields),
  error: (message, fields) => write("error", message, fields),
};
