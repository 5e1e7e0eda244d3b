// Handlers as authors write them, against the host of `aksara/testing`.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as aksara from "aksara-guest";
import { Host, describe } from "aksara-guest/testing";

const { Invalid, Model, Signal, Timestamp, Uuid, log, models, plugin } = aksara;

const paid = new Signal("shop.paid", ["amount"]);

plugin({ name: "shop", version: "1.2.0", grants: { models: { Post: ["get"] } } });

aksara.preSave("Post", function slug({ instance }) {
  instance.slug ||= instance.title.toLowerCase();
}, { reads: ["title", "slug"], writes: ["slug"], priority: 10, when: { created: true } });

aksara.preSave("Post", async function run({ instance, ...event }) {
  await null;
  await commands[instance.command](instance, event);
}, { name: "run" });

aksara.preBulkCreate(new Model("Post", { reads: ["title"] }), function number({ instances }) {
  instances.forEach((instance, index) => (instance.title += ` ${index}`));
});

aksara.m2mChanged("Post.tags", function first(event) {
  event.pkSet = event.pkSet.slice(0, 1);
});

paid.connect(({ args }) => log.info("paid", { amount: args.amount }), { name: "paid" });

aksara.postDelete(() => {}, { name: "any" });

const commands = {
  nothing() {},
  same: (it) => (it.title = "".concat(it.title)),
  json: (it) => it.meta.tags.push("new"),
  date: (it) => it.at.setFullYear(2030),
  bytes: (it) => (it.data[0] = 9),
  clear: (it) => (it.title = undefined),
  reject: () => aksara.reject("not on Sundays"),
  invalid: () => aksara.invalid("title", "is bad", "is worse"),
  invalids: () => { throw new Invalid({ title: "is bad", slug: ["is taken"] }); },
  raise: () => { throw new RangeError("boom"); },
  text: () => { throw "boom"; },
  typo: (it) => it.tilte,
  promise: (it) => (it.title = models("Post").get),
  about: (it, event) => (it.title = `${event.signal} ${event.sender} ${event.created} ${event.updateFields} ${event.depth} ${event.raw}`),
  fields: (it, { addUpdateField }) => addUpdateField("slug"),
  replace: (it) => (it.meta = new Date(0)),
  drop: (it) => delete it.title,
};

const call = (command, more = {}) => new Host().call("run", { instance: { command, ...more } });

test("the description has all that the host needs", () => {
  const { subscriptions, ...rest } = describe();
  assert.deepEqual(rest, {
    name: "shop",
    version: "1.2.0",
    contract: "0.1.0",
    signals: { "shop.paid": ["amount"] },
    grants: { models: { Post: ["get"] } },
  });
  const [slug] = subscriptions;
  assert.deepEqual(slug, {
    handler: "slug",
    signal: "pre_save",
    sender: "Post",
    priority: 10,
    reads: ["title", "slug"],
    writes: ["slug"],
    when: { created: true },
  });
  assert.deepEqual(subscriptions.find(({ handler }) => handler === "number").reads, ["title"]);
  assert.equal(subscriptions.find(({ handler }) => handler === "any").sender, null);
});

test("only what was changed goes back, and only what is read is sent", async () => {
  const { patch } = await new Host().call("slug", { instance: { title: "Hello", slug: "", views: 7 } });
  assert.deepEqual(patch, { slug: "hello" });
  assert.deepEqual((await new Host().call("slug", { instance: { title: "Hello", slug: "mine" } })).patch, {});
  assert.deepEqual((await call("same", { title: "Hello" })).patch, {});
  assert.deepEqual((await call("nothing")).patch, {});
});

test("changes inside of values are found", async () => {
  assert.deepEqual((await call("json", { meta: { tags: ["old"] } })).patch, { meta: { tags: ["old", "new"] } });
  const at = new Date("2026-03-01T12:00:00Z");
  assert.deepEqual((await call("date", { at })).patch, { at: new Date("2030-03-01T12:00:00Z") });
  assert.deepEqual((await call("bytes", { data: Uint8Array.of(1, 2) })).patch, { data: Uint8Array.of(9, 2) });
  assert.deepEqual((await call("replace", { meta: {} })).patch, { meta: new Date(0) });
  assert.deepEqual((await call("clear", { title: "Hello" })).patch, { title: null });
});

test("refusals, messages by field and failures come back as such", async () => {
  assert.equal((await call("reject")).rejected, "not on Sundays");
  assert.deepEqual((await call("invalid")).invalid, { title: ["is bad", "is worse"] });
  assert.deepEqual((await call("invalids")).invalid, { title: ["is bad"], slug: ["is taken"] });
  assert.match((await call("raise")).error, /^RangeError: boom\n.*handlers\.test\.js:\d+/s);
  assert.equal((await call("text")).error, "boom");
});

test("a wrong field and a wrong type are named", async () => {
  assert.match((await call("typo", { title: "" })).error, /`Post` has no field `tilte` here; the handler gets `command`, `title`/);
  assert.match((await call("promise", { title: "" })).error, /`Post\.title` cannot be a function/);
  assert.match((await call("drop", { title: "" })).error, /`Post\.title` cannot be deleted/);
});

test("a handler is told of the occasion", async () => {
  const event = { instance: { command: "about", title: "" }, created: true, updateFields: ["title"], depth: 2, raw: true };
  assert.equal((await new Host().call("run", event)).patch.title, "pre_save Post true title 2 true");
  assert.deepEqual((await call("fields")).updateFields, ["slug"]);
  assert.equal((await call("about", { title: "" })).patch.title, "pre_save Post false undefined 0 false");
});

test("bulk operations, keys and custom signals", async () => {
  const host = new Host();
  const { instances } = await host.call("number", { instances: [{ title: "a" }, { title: "b" }] });
  assert.deepEqual(instances, [{ title: "a 0" }, { title: "b 1" }]);
  assert.deepEqual((await host.call("first", { action: "pre_add", pkSet: [1, 2] })).pkSet, [1]);
  assert.deepEqual((await host.call("paid", { args: { amount: 5 } })).log, [{ amount: 5, level: "info", message: "paid" }]);
});

test("what a test says wrongly is an error of the test", async () => {
  await assert.rejects(new Host().call("none"), /there is no handler `none`; there are `slug`/);
  await assert.rejects(new Host().call("run", { update_fields: [] }), /an event has no `update_fields`/);
});

test("handlers are connected once, with options that there are", () => {
  assert.throws(() => aksara.preSave("Post", function slug() {}), /`slug` is connected to pre_save twice/);
  assert.throws(() => aksara.preSave("Post", () => {}, { read: [] }), /a handler has no option `read`/);
  assert.throws(() => aksara.preSave("Post"), /the handler of pre_save is no function/);
  assert.throws(() => new Signal("paid"), /has no `\.` in its name/);
  const handler = () => {};
  aksara.on("post_save", "Post", handler, { name: "gone" });
  assert.ok(aksara.disconnect("post_save", handler));
  assert.ok(!describe().subscriptions.some((it) => it.handler === "gone"));
});

test("times and UUIDs", () => {
  assert.equal(String(new Timestamp(1, 1)), "1970-01-01T00:00:01.000000001Z");
  assert.throws(() => new Timestamp(1, -1), /no time/);
  assert.ok(Uuid.from("019ca95a-9a00-7000-8000-00000000002a") instanceof Uint8Array);
});
