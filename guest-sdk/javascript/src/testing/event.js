// Events as the host would send them, from what a test says of them.

import { randomFillSync } from "node:crypto";

const KEYS = {
  created: "created",
  updateFields: "update_fields",
  changes: "changes",
  raw: "raw",
  origin: "origin",
  fields: "fields",
  rows: "rows",
  action: "action",
  reverse: "reverse",
  model: "model",
  pkSet: "pk_set",
  key: "key",
  deleted: "deleted",
  args: "args",
};

const OTHERS = ["signal", "sender", "db", "depth", "time", "instance", "instances"];

/** The event for this subscription, as the contract has it. */
export function eventOf(event, { signal, sender, reads }) {
  const unknown = Object.keys(event).find((name) => !(name in KEYS) && !OTHERS.includes(name));
  if (unknown) throw new TypeError(`an event has no \`${unknown}\`; there are \`${[...OTHERS, ...Object.keys(KEYS)].join("`, `")}\``);
  const { db = "default", depth = 0, time = new Date() } = event;
  const id = idAt(time);
  const wire = { v: 0, id, operation: id, signal, sender: event.sender ?? sender ?? "", db, depth };
  const isSave = signal === "pre_save" || signal === "post_save" || signal === "after_commit";
  if (isSave) wire.created = false;
  for (const [name, key] of Object.entries(KEYS)) if (event[name] !== undefined) wire[key] = event[name];
  if (event.instance) wire.instance = read(event.instance, reads);
  if (event.instances) wire.instances = event.instances.map((fields) => read(fields, reads));
  return wire;
}

function read(fields, reads) {
  const names = reads ? Object.keys(fields).filter((name) => reads.includes(name)) : Object.keys(fields);
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}

/** A UUIDv7: milliseconds since the epoch in 6 bytes, and random ones. */
function idAt(time) {
  const id = randomFillSync(Buffer.alloc(16));
  id.writeUIntBE(time.getTime(), 0, 6);
  id[6] = 0x70 | (id[6] & 15);
  id[8] = 0x80 | (id[8] & 63);
  return Uint8Array.from(id);
}
