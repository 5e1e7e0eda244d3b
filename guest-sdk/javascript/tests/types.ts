// What the types allow an author to write, and what they do not: `tsc` checks it, nothing runs it.

import { F, Model, Signal, Timestamp, type Uuid, bucket, cache, config, invalid, log, models, or, postSave, preBulkCreate, preSave, reject, service } from "aksara-guest";
import { Host } from "aksara-guest/testing";

interface Post {
  id: Uuid;
  title: string;
  slug: string | null;
  views: number;
  published: Date | null;
  edited: Timestamp;
}

preSave<Post>(
  "Post",
  ({ instance, created, updateFields, addUpdateField }) => {
    instance.slug ||= instance.title.toLowerCase();
    if (instance.published && instance.published < new Date()) instance.published = new Timestamp(1, 1);
    instance.slug = instance.edited.toISOString();
    if (created && updateFields?.includes("slug")) addUpdateField("slug");
    // @ts-expect-error a misspelt field
    instance.tilte = "";
    // @ts-expect-error a value of another type
    instance.views = "seven";
  },
  { reads: ["title", "slug"], writes: ["slug"], priority: 10, when: { created: true } },
);

// @ts-expect-error a field that the model does not have
preSave<Post>("Post", () => {}, { reads: ["tilte"] });

postSave(async ({ changes, instance }) => {
  log.info("saved", { fields: changes.map(({ field }) => field), title: instance.title });
});

const post = new Model<Post>("Post", { reads: ["title"] });
preBulkCreate(post, ({ instances }) => instances.forEach((one, index) => (one.title += index)));

const paid = new Signal<{ amount: number }>("billing.paid", ["amount"]);
paid.connect(({ args }) => {
  if (args.amount < 0) reject(`${args.amount} is negative`);
  if (args.amount > 100) invalid("amount", "is too much");
});
paid.send({ amount: 1 }, { sender: "Order", key: 7 });
// @ts-expect-error an argument that the signal does not have
paid.send({ total: 1 });

const rows = models<Post>("Post").filter(or(F("views").ge(3), { title: "Hello" }), { slug: null }).orderBy("-views").all();
export const titles: string[] = rows.map(({ title }) => title);
models<Post>("Post").rows().update({ views: F("views").add(1) });
models<Post>("Post").update(1, { views: F("views").add(1) });
// @ts-expect-error there is no row yet to compute from
models<Post>("Post").create({ views: F("views").add(1) });

export const reversed = service<string>("reverse", { text: "abc" }).length;
export const greeting: string = config<string>("greeting") ?? "none";
cache.set("key", bucket("other").getText("key") ?? Uint8Array.of(1));

export const slugs = new Host({ rows: { Post: [{ id: 1 }] } })
  .call<Post>("slug", { created: true })
  .then(({ patch, log: lines }) => [patch.slug, lines.length]);
