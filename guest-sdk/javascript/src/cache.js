// A cache: bytes by key, in a bucket that the application and other plugins share.

import { store } from "#host/store";
import { RequestError } from "./errors.js";
import * as utf8 from "./utf8.js";

/** A bucket by its name, which needs its grant. A cache takes no part in the transaction. */
export function bucket(name) {
  const within = (use) => {
    try {
      return use(store.open(name));
    } catch (error) {
      throw new RequestError(reason(name, error));
    }
  };
  return {
    /** The value of a key as bytes, or `null`. */
    get: (key) => within((open) => open.get(key) ?? null),
    /** The value of a key as text, or `null`. */
    getText: (key) => within((open) => text(open.get(key))),
    /** Writes bytes or a text, over what is there. */
    set: (key, value) => within((open) => open.set(key, typeof value === "string" ? utf8.encode(value) : value)),
    /** Deletes a value, if there is one. */
    delete: (key) => within((open) => open.delete(key)),
    /** Whether there is a value. */
    exists: (key) => within((open) => open.exists(key)),
  };
}

/** The bucket `cache`. */
export const cache = /* @__PURE__ */ bucket("cache");

function text(bytes) {
  return bytes === null || bytes === undefined ? null : utf8.decode(Uint8Array.from(bytes));
}

function reason(name, error) {
  const problem = error?.payload ?? error;
  if (problem?.tag === "access-denied") return `the bucket \`${name}\` is not granted; ask for it by \`keyvalue\` in the grants`;
  if (problem?.tag === "no-such-store") return `there is no bucket \`${name}\``;
  return String(problem?.val ?? problem?.message ?? problem);
}
