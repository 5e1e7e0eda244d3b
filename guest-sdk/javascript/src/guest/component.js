// What the component exports.

import { begin, describeBytes, failure, finish } from "../dispatch.js";
import { drain, settle } from "./promise.js";

/** Shows frames of a stack as the author knows them. */
let trace = (stack) => stack;

/** Says how to show them. */
export function showTraces(show) {
  trace = show;
}

export const handler = {
  describe: describeBytes,

  handle(subscription, bytes) {
    let reply;
    try {
      const begun = begin(subscription, bytes);
      let { returned } = begun;
      if (typeof returned?.then === "function") returned = settle(returned, begun.name);
      else drain();
      reply = finish(begun, returned);
    } catch (error) {
      // The contract's own failure, of which the bindings make the Err side.
      throw failure(error, trace);
    }
    return reply;
  },
};
