// What authors take for granted and the engine does not have, or has from a system that a sandbox is without.

import { clock } from "#host/clock";
import { random } from "#host/random";
import { log } from "../log.js";
import * as utf8 from "../utf8.js";
import { Promise as GuestPromise, enqueue } from "./promise.js";

globalThis.Promise = GuestPromise;
globalThis.queueMicrotask = enqueue;

/** Milliseconds since the epoch, by the host's clock. */
function now() {
  const { seconds, nanoseconds } = clock.now();
  return Number(seconds) * 1_000 + Math.floor(nanoseconds / 1e6);
}

globalThis.Date = new Proxy(Date, {
  construct: (date, args, made) => Reflect.construct(date, args.length > 0 ? args : [now()], made),
  apply: (date) => new date(now()).toString(),
  get: (date, name) => (name === "now" ? now : date[name]),
});

// 53 bits of the host's, as many as a number in [0, 1) has.
Math.random = () => Number(BigInt(random.getRandomU64()) >> 11n) / 2 ** 53;

const shown = (value) => {
  if (typeof value === "string") return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value, (_, item) => (typeof item === "bigint" ? String(item) : item));
  } catch {
    return String(value);
  }
};

const line = (level) => (...values) => log[level](values.map(shown).join(" "));

globalThis.console = {
  log: line("info"),
  info: line("info"),
  debug: line("debug"),
  trace: line("trace"),
  warn: line("warn"),
  error: line("error"),
};

globalThis.TextEncoder = class TextEncoder {
  encoding = "utf-8";

  encode(text = "") {
    return utf8.encode(String(text));
  }
};

globalThis.TextDecoder = class TextDecoder {
  encoding = "utf-8";

  decode(bytes = new Uint8Array(0)) {
    const view = ArrayBuffer.isView(bytes) ? bytes : new Uint8Array(bytes);
    return utf8.decode(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  }
};
