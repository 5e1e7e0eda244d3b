// One call of the host: the event's bytes in, those of the reply or of the failure out.

import { Invalid, Rejected } from "./errors.js";
import { Event } from "./event.js";
import { describe, handlerOf } from "./handlers.js";
import { log } from "./log.js";
import { decode, encode, encodeMessage } from "./msgpack.js";
import { report } from "./report.js";

const NOTHING = new Uint8Array(0);

/** What the plugin says about itself, as bytes. */
export function describeBytes() {
  return encode(describe());
}

/** Calls the handler of a subscription: the event, and what the handler returned, which may be a promise. */
export function begin(subscription, bytes) {
  const connected = handlerOf(subscription);
  if (!connected) throw new RangeError(`the plugin has no subscription ${subscription}`);
  const event = new Event(decode(bytes));
  return { name: connected.name, event, returned: connected.handler(event) };
}

/** The bytes of the reply, once the handler is done and has returned this. */
export function finish({ name, event }, returned) {
  if (isMeant(returned, event.instance)) {
    log.warn(`\`${name}\` returned what is not used; set fields of \`instance\`, or throw \`reject(..)\``);
  }
  const reply = event.reply();
  return reply ? encode(reply) : NOTHING;
}

/** Whether the author of a handler may have meant something by what it returned: `({ slug })`, or `false` for no. */
function isMeant(returned, instance) {
  if (returned !== false && (typeof returned !== "object" || returned === null)) return false;
  const fields = instance === undefined ? [] : Object.keys(instance);
  // An arrow function returns what it assigns.
  if (returned === false) return !fields.some((field) => instance[field] === false);
  return Object.keys(returned).some((name) => fields.includes(name));
}

/** The bytes of a failure: what the handler says against the operation, or that it failed itself, and where. */
export function failure(error, trace) {
  try {
    if (error instanceof Rejected) return encodeMessage({ reject: String(error.message) });
    if (error instanceof Invalid) return encodeMessage({ invalid: error.fields });
    return encodeMessage({ error: report(error, trace) });
  } catch (problem) {
    return encodeMessage({ error: report(problem, trace) });
  }
}
