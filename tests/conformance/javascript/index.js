// The conformance plugin in JavaScript: what each command means is in the README above.

import { Signal, invalid, log, on, preBulkCreate, preSave, reject } from "aksara";
import { ask } from "./asks.js";
import { caught } from "./deep.js";
import { FIELDS, documentOf } from "./document.js";

export const happened = new Signal("conform.happened", ["number", "text"]);

async function obey(event) {
  const it = event.instance;
  switch (it.command) {
    case "echo":
      for (const field of FIELDS) it[`${field}_out`] = it[field];
      break;
    case "same":
      it.text = it.text;
      break;
    case "reject":
      reject(`no: ${it.text}`);
      break;
    case "invalid":
      invalid("text", "is bad", "is worse");
      break;
    case "raise":
      explode();
      break;
    case "chain":
      throw new Error("outer", { cause: new Error("the real reason") });
    case "cut":
      throw new Error("cut \ud83d");
    case "document":
      it.json_out = documentOf(it);
      break;
    case "not_a_number":
      it.json_out = { items: [1, { at: Number.NaN }] };
      break;
    case "deep":
      it.json_out = Array.from({ length: 199 }).reduce((inner) => [inner], []);
      break;
    case "nest":
    case "recurse":
      it.text_out = caught(it.command).join();
      break;
    case "wrong":
      it.integer = "seven";
      break;
    case "unknown":
      it.nonsense = 1;
      break;
    case "about": {
      const fields = event.updateFields?.toSorted().join(",") ?? "none";
      it.text_out = `${event.signal} ${event.sender} created=${event.created} update_fields=${fields} depth=${event.depth}`;
      break;
    }
    case "operation":
      it.text_out = String(event.operation).replaceAll("-", "");
      break;
    case "send":
      happened.send({ number: it.integer, text: it.text });
      break;
    case "send_wrong":
      happened.send({ number: it.integer });
      break;
    case "log":
      log.info("hello", { number: it.integer });
      break;
    case "print":
      console.log(it.text);
      break;
    case "time":
      it.integer_out = Math.floor(Date.now() / 1_000);
      break;
    case "loop":
      for (;;);
    case "memory":
      for (const kept = []; ; ) kept.push(new Uint8Array(1 << 20).fill(1));
    default:
      await ask(it);
  }
}

function explode() {
  throw new Error("boom");
}

preSave("Conform", obey);

function seen(event) {
  const { signal, created, origin, instances, rows, action, reverse, deleted, key } = event;
  const changes = event.changes?.map(({ field }) => field).sort().join(",");
  const about = { created, changes, origin, instances: instances?.length, rows, action, reverse, pk_set: event.pkSet?.length, deleted, key };
  const there = Object.entries(about).filter(([, value]) => value !== undefined);
  log.info(`seen ${signal}`, Object.fromEntries(there));
}

for (const signal of [
  "post_save",
  "pre_delete",
  "post_delete",
  "post_bulk_create",
  "pre_bulk_update",
  "post_bulk_update",
  "after_commit",
  "after_rollback",
]) {
  on(signal, "Conform", seen, { name: `seen_${signal}` });
}
on("m2m_changed", "Conform.notes", seen, { name: "seen_m2m_changed" });

preBulkCreate(
  "Conform",
  (event) => {
    seen(event);
    event.instances.forEach((instance, at) => (instance.text_out = `bulk ${at}`));
  },
  { name: "seen_pre_bulk_create" },
);

happened.connect(({ args }) => log.info("happened", args), { name: "happened" });
