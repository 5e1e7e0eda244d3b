// One request to the host, and its answer.

import { RequestError } from "./errors.js";
import { decode, encode } from "./msgpack.js";

/** Asks one of the host's imports. Throws a `RequestError` with the host's own words. */
export function ask(ask, request) {
  let answer;
  // What a request may have, and this one does not, is not a key of it.
  const bytes = encode(Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)));
  try {
    answer = ask(bytes);
  } catch (error) {
    const { error: message, violation } = refused(error);
    throw new RequestError(message, violation);
  }
  return decode(answer);
}

/** An import throws the bytes of its error. */
function refused(error) {
  const bytes = error instanceof Uint8Array ? error : Array.isArray(error) ? Uint8Array.from(error) : error?.payload;
  if (!(bytes instanceof Uint8Array)) return { error: String(error?.message ?? error) };
  return decode(bytes);
}
