// The imports of a component, natively: what a handler asks goes to the host of the test that calls it.

import { AsyncLocalStorage } from "node:async_hooks";
import { decode, encode } from "../msgpack.js";

/** The host of the call under way, so that tests may run at the same time. */
export const running = new AsyncLocalStorage();

function host() {
  const called = running.getStore();
  if (!called) throw new Error("there is no host outside of a handler; in tests, `Host` of `aksara/testing` is one");
  return called;
}

/** An import of the contract: bytes in, bytes out, and its error is thrown as bytes. */
function asked(name) {
  return (bytes) => {
    const called = host();
    try {
      return encode(called.answer(name, decode(bytes)) ?? null);
    } catch (error) {
      throw encode({ error: error.message });
    }
  };
}

function interfaceOf(name, functions) {
  return Object.fromEntries(functions.map((one) => [one, asked(`${name}.${one}`)]));
}

export const models = interfaceOf("models", ["get", "find", "count", "create", "update", "delete"]);
export const bus = interfaceOf("bus", ["send"]);
export const services = interfaceOf("services", ["call"]);
export const config = interfaceOf("config", ["get"]);
// Outside of a handler, where a test calls a function itself, nobody reads the log.
export const log = { write: (bytes) => running.getStore()?.line(decode(bytes)) };
export const store = { open: (name) => host().bucket(name) };
export const http = { send: (request) => host().respond(request) };
