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

aksara.preSave("Post", ({ instance }) => returns[instance.command](instance), { name: "returns" });

/** What a handler returns: whether the log says that nothing is made of it. */
const returns = {
  fields: () => ({ slug: "mine" }),
  promised: async () => ({ slug: "mine" }),
  no: () => false,
  assignedText: (it) => (it.slug = "mine"),
  assignedDocument: (it) => (it.meta = { at: 1 }),
  assignedFalse: (it) => (it.draft = false),
  nothing: () => {},
};

const commands = {
  nothing() {},
  same: (it) => (it.title = "".concat(it.title)),
  json: (it) => it.meta.tags.push("new"),
  time: (it) => {
    log.info(`${it.at.constructor.name} ${it.at instanceof Date} ${typeof it.at.getTime} ${it.at < new Date(8e15)}`);
    it.copy = it.at;
  },
  set: (it) => Object.assign(it, Object.values(bad)[it.index]),
  date: (it) => it.at.setFullYear(2030),
  bytes: (it) => (it.data[0] = 9),
  clear: (it) => (it.title = undefined),
  reject: () => aksara.reject("not on Sundays"),
  invalid: () => aksara.invalid("title", "is bad", "is worse"),
  invalids: () => { throw new Invalid({ title: "is bad", slug: ["is taken"] }); },
  raise: () => { throw new RangeError("boom"); },
  text: () => { throw "boom"; },
  object: () => { throw { message: "the quota is used up", code: 402 }; },
  coded: () => { throw Object.assign(new Error("quota"), { code: "E_QUOTA", size: 7n }); },
  undefined: () => { throw undefined; },
  rejected: () => Promise.reject({ reason: "closed" }),
  number: () => { throw 42; },
  symbol: () => { throw Symbol("mine"); },
  cause: () => { throw new Error("outer", { cause: new TypeError("inner", { cause: "the real reason" }) }); },
  any: () => Promise.any([Promise.reject(new Error("first reason")), Promise.reject("second reason")]),
  class: () => { throw new (class BadRequest extends Error { name = "BadRequest"; })("nope"); },
  circle: () => { const one = new Error("round"); one.cause = one; throw one; },
  hostile: () => { throw Object.defineProperty(new Error("trap"), "message", { get() { throw new Error("no"); } }); },
  half: () => { throw new Error(`cut \ud83d off`); },
  halfRejected: () => aksara.reject("cut \ud83d off"),
  halfInvalid: () => aksara.invalid("title", "cut \ud83d off"),
  typo: (it) => it.tilte,
  promise: (it) => (it.title = models("Post").get),
  about: (it, event) => (it.title = `${event.signal} ${event.sender} ${event.created} ${event.updateFields} ${event.depth} ${event.raw}`),
  fields: (it, { addUpdateField }) => addUpdateField("slug"),
  replace: (it) => (it.meta = new Date(0)),
  drop: (it) => delete it.title,
};

const round = {};
round.again = round;
class Hidden { #value = 1; }
class Point { constructor(x, y) { Object.assign(this, { x, y }); } }

/** What has no form, by what the error says of it. */
const bad = {
  "`instance.meta.items[1].at` is undefined": { meta: { items: [1, { at: undefined }] } },
  "`instance.meta.tags[1]` is a hole in the array": { meta: { tags: [1, , 3] } },
  "`instance.meta.go` is a function": { meta: { go() {} } },
  "`instance.meta[0]` is a symbol": { meta: [Symbol("s")] },
  "`instance.meta.again.again": { meta: round },
  "is nested too deep, or contains itself": { meta: JSON.parse("[".repeat(200) + "]".repeat(200)) },
  "the text of `instance.meta.text` has half of a character": { meta: { text: "hello \ud83d" } },
  "the text of `instance.title` has half of a character": { title: "\ude00" },
  "the text of `instance.meta.\ud83d` has half of a character": { meta: { "\ud83d": 1 } },
  "`instance.meta.big` is 18446744073709551616, which has more than 64 bits": { meta: { big: 2n ** 64n } },
  "`instance.meta.at` is an invalid `Date`": { meta: { at: new Date(Number.NaN) } },
  "`instance.meta.seen` is a `Set`": { meta: { seen: new Set([1]) } },
  "`instance.meta.it` is a `Promise`": { meta: { it: Promise.resolve() } },
  "`instance.meta.re` is a `RegExp`": { meta: { re: /a/ } },
  "`instance.meta.why` is a `Error`": { meta: { why: new Error("x") } },
  "`instance.meta.hidden` is a `Hidden`": { meta: { hidden: new Hidden() } },
  "`instance.meta.map` is a `Map` with a key that is not text": { meta: { map: new Map([[1, 2]]) } },
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

test("what is returned as if it were a change is told", async () => {
  const told = [];
  for (const command of Object.keys(returns)) {
    const instance = { command, slug: "", draft: true, meta: {} };
    const { error, log } = await new Host().call("returns", { instance });
    assert.equal(error, undefined);
    if (log.some(({ message }) => message.includes("`returns` returned what is not used"))) told.push(command);
  }
  assert.deepEqual(told, ["fields", "promised", "no"]);
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

test("what is thrown keeps its message, its cause and its reasons, of any kind", async () => {
  const wanted = {
    object: /^the quota is used up \{"code":402\}$/,
    coded: /^Error: quota \{"code":"E_QUOTA","size":"7"\}\n.*handlers\.test\.js:\d+/s,
    undefined: /^undefined was thrown, which says nothing; throw an `Error`$/,
    rejected: /^\{"reason":"closed"\}$/,
    number: /^42$/,
    symbol: /^Symbol\(mine\)$/,
    cause: /^Error: outer\n +at .*\nCaused by: TypeError: inner\n +at .*\nCaused by: the real reason$/s,
    any: /^AggregateError: .*\nReason 1: Error: first reason\n +at .*\nReason 2: second reason$/s,
    class: /^BadRequest: nope\n/,
    circle: /^Error: round\n.*\nCaused by: Error: round\n/s,
    hostile: /^Error: /,
    half: /^Error: cut \ufffd off\n/,
  };
  for (const [command, pattern] of Object.entries(wanted)) assert.match((await call(command)).error, pattern, command);
  assert.equal((await call("halfRejected")).rejected, "cut \ufffd off");
  assert.deepEqual((await call("halfInvalid")).invalid, { title: ["cut \ufffd off"] });
});

test("a wrong field and a wrong type are named", async () => {
  assert.match((await call("typo", { title: "" })).error, /`Post` has no field `tilte` here; the handler gets `command`, `title`/);
  assert.match((await call("promise", { title: "" })).error, /`Post\.title` cannot be a function/);
  assert.match((await call("drop", { title: "" })).error, /`Post\.title` cannot be deleted/);
});

test("what has no form is an error that says what it is and where", async () => {
  for (const [index, text] of Object.keys(bad).entries()) {
    const { error } = await call("set", { index, meta: {}, title: "" });
    assert.ok(error?.includes(text.toWellFormed()), `${text}: ${error}`);
  }
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

test("a time has one type for every value, and goes back as it came", async () => {
  const times = [new Date(0), new Date(1), new Timestamp(1, 0), new Timestamp(1, 123_456_000), new Timestamp(-1, 999_999_999), new Timestamp(253_402_300_799, 1)];
  for (const at of times) {
    const { patch, log: lines } = await call("time", { at, copy: null });
    assert.deepEqual(lines[0], { level: "info", message: "Timestamp true function true" });
    assert.deepEqual([patch.copy.seconds ?? patch.copy.getTime() / 1_000, patch.at], [at.seconds ?? at.getTime() / 1_000, undefined]);
    assert.equal(patch.copy.nanoseconds ?? patch.copy.getMilliseconds() * 1e6, at.nanoseconds ?? at.getMilliseconds() * 1e6);
  }
});

test("a time behaves as a `Date`, and keeps what is below its millisecond until it is set", () => {
  const at = new Timestamp(1, 123_456_000);
  assert.ok(at instanceof Date && at < new Date() && at > new Date(0) && +at === 1123);
  assert.equal(at.toISOString(), "1970-01-01T00:00:01.123456Z");
  assert.equal(JSON.stringify({ at }), '{"at":"1970-01-01T00:00:01.123456Z"}');
  assert.equal(new Timestamp(1, 5e8).toISOString(), new Date(1_500).toISOString());
  at.setUTCFullYear(1971);
  assert.equal(at.toISOString(), "1971-01-01T00:00:01.123456Z");
  at.setUTCHours(2, 3);
  assert.equal(at.nanoseconds, 123_456_000);
  at.setUTCHours(0, 0, 1, 123);
  assert.equal(at.nanoseconds, 123_000_000);
  assert.equal(String(new Timestamp(0).setTime(Number.NaN)), "NaN");
  const far = new Timestamp(1e15, 7);
  assert.deepEqual([far.seconds, far.nanoseconds, String(far)], [1e15, 7, "Invalid Date"]);
});

test("times and UUIDs", () => {
  assert.equal(String(new Timestamp(1, 1)), "1970-01-01T00:00:01.000000001Z");
  assert.throws(() => new Timestamp(1, -1), /not a time/);
  assert.ok(Uuid.from("019ca95a-9a00-7000-8000-00000000002a") instanceof Uint8Array);
});
