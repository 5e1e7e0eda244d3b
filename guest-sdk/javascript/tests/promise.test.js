// The promises of a plugin: as the language's own, but done when `settle` returns.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Promise as Guest, drain, enqueue, settle } from "../src/guest/promise.js";

const wait = (promise) => settle(promise, "handler");
const later = (value) => new Guest((resolve) => enqueue(() => resolve(value)));
const failing = (message) => Guest.reject(new Error(message));

test("chains, thenables and errors", () => {
  assert.equal(wait(later(1).then((value) => later(value + 1))), 2);
  assert.equal(wait(Guest.resolve({ then: (resolve) => resolve(3) })), 3);
  assert.equal(wait(failing("boom").catch(({ message }) => message)), "boom");
  assert.throws(() => wait(later(1).then(() => { throw new RangeError("boom"); })), RangeError);
  assert.throws(() => wait(failing("boom").finally(() => {})), /boom/);
  assert.equal(wait(later(1).finally(() => later(2))), 1);
  const own = new Guest((resolve) => enqueue(() => resolve(own)));
  assert.throws(() => wait(own), /cannot wait for itself/);
});

test("several at once", () => {
  assert.deepEqual(wait(Guest.all([later(1), 2, later(3)])), [1, 2, 3]);
  assert.deepEqual(wait(Guest.all([])), []);
  assert.throws(() => wait(Guest.all([later(1), failing("boom")])), /boom/);
  assert.equal(wait(Guest.race([later(1), 2])), 2);
  assert.equal(wait(Guest.any([failing("boom"), later(1)])), 1);
  assert.throws(() => wait(Guest.any([failing("boom")])), ({ errors }) => errors[0].message === "boom");
  assert.deepEqual(wait(Guest.allSettled([1, failing("boom")])).map(({ status }) => status), ["fulfilled", "rejected"]);
});

test("the order is that of the language", () => {
  const order = (Any, done) => {
    const seen = [];
    const say = (text) => () => seen.push(text);
    Any.resolve().then(say("a")).then(say("c"));
    Any.resolve(Any.resolve()).then(say("b"));
    Any.resolve().then(() => Any.resolve()).then(say("d"));
    return done(seen);
  };
  const guest = order(Guest, (seen) => (drain(), seen));
  return order(Promise, (seen) => new Promise((resolve) => setImmediate(resolve, seen))).then((native) => {
    assert.deepEqual(guest, native);
  });
});

test("what nothing settles is an error, and so is one that nobody waits for", () => {
  assert.throws(() => wait(new Guest(() => {})), /`handler` waits for a promise that nothing settles/);
  later(1).then(() => { throw new Error("lost"); });
  assert.throws(() => drain(), /lost/);
  assert.doesNotThrow(() => drain());
});

test("what is not waited for is done all the same", () => {
  let isDone = false;
  later(1).then(() => later(2)).then(() => (isDone = true));
  assert.equal(wait(Guest.resolve("done")), "done");
  assert.ok(isDone);
});
