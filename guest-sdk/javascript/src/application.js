// What the application offers besides its models: services, settings, custom signals.

import { bus } from "#host/bus";
import { config as settings } from "#host/config";
import { services } from "#host/services";
import { connect, declare, disconnect } from "./handlers.js";
import { ask } from "./request.js";

/** Calls a function that the application offers to plugins, with any value. The service needs its grant. */
export function service(name, args = {}) {
  return ask(services.call, { service: name, args });
}

/** One of the plugin's own settings or secrets, or `null`. */
export function config(name) {
  return ask(settings.get, { name });
}

/** A custom signal: `const paid = new Signal("billing.paid", ["amount"])`. */
export class Signal {
  /** Declares the signal, when its arguments are named; without them it is somebody else's. */
  constructor(name, args) {
    if (!String(name).includes(".")) throw new TypeError(`the signal \`${name}\` has no \`.\` in its name; call it \`PLUGIN.${name}\``);
    this.name = name;
    if (args) declare(name, args);
  }

  /** Connects a handler, whose event has the arguments as `args`. */
  connect(handler, options) {
    return connect(this.name, null, handler, options);
  }

  /** Disconnects a handler. */
  disconnect(handler) {
    return disconnect(this.name, handler);
  }

  /** Sends it to its handlers, until the first error. `about` says which instance it is about: `{ sender, key }`. */
  send(args = {}, about = {}) {
    ask(bus.send, { ...about, signal: this.name, args });
  }

  /** Sends it to all its handlers; what became of each: `{ handler, error }`. */
  sendRobust(args = {}, about = {}) {
    return ask(bus.send, { ...about, signal: this.name, args, robust: true });
  }
}
