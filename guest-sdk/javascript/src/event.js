// Events: what a handler is called with.

import { changed, track } from "./instance.js";

/** The camel-case names that handlers see, of the keys that the contract has. */
const KEYS = {
  signal: "signal",
  sender: "sender",
  db: "db",
  depth: "depth",
  created: "created",
  update_fields: "updateFields",
  changes: "changes",
  raw: "raw",
  origin: "origin",
  fields: "fields",
  rows: "rows",
  action: "action",
  reverse: "reverse",
  model: "model",
  key: "key",
  deleted: "deleted",
  args: "args",
};

/** One event, with everything that it has, and what the handler does to it. */
export class Event {
  #added = [];
  #pkSet;

  constructor(wire) {
    for (const [key, name] of Object.entries(KEYS)) if (wire[key] !== undefined) this[name] = wire[key];
    this.raw ??= false;
    /** The event's own id, in which its time is. */
    this.id = wire.id;
    /** The id that all events of one operation share. */
    this.operation = wire.operation;
    if (wire.instance) this.instance = track(wire.instance, wire.sender);
    if (wire.instances) this.instances = wire.instances.map((fields) => track(fields, wire.sender));
    if (wire.pk_set) this.#pkSet = this.pkSet = wire.pk_set;
  }

  /** When it was sent, exact to a millisecond: no clock is asked. */
  get time() {
    return new Date(this.id.slice(0, 6).reduce((time, byte) => time * 256 + byte, 0));
  }

  /** Writes a field that the save under way does not name. Bound, for handlers that take it out of the event. */
  addUpdateField = (...names) => {
    this.#added.push(...names);
  };

  /** What goes back; nothing where nothing was changed. */
  reply() {
    const reply = {};
    const patch = this.instance ? changed(this.instance) : {};
    if (Object.keys(patch).length > 0) reply.instance = patch;
    if (this.#added.length > 0) reply.update_fields = this.#added;
    const patches = (this.instances ?? []).map(changed);
    if (patches.some((patch) => Object.keys(patch).length > 0)) reply.instances = patches;
    if (this.pkSet !== this.#pkSet) reply.pk_set = this.pkSet;
    return Object.keys(reply).length > 0 ? reply : undefined;
  }
}
