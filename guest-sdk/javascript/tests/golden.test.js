// The golden payloads of the contract: every value at its limits, every message.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decode, encode } from "../src/msgpack.js";
import { Timestamp, Uuid } from "../src/values.js";

const golden = JSON.parse(readFileSync(new URL("../../../wit/golden/index.json", import.meta.url), "utf8"));

/** A decoded value as the index writes it. */
function plain(value) {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("hex") };
  if (value instanceof Timestamp) return { $timestamp: value.toISOString().replace(/\.?0*Z$/, "Z") };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
}

/** An entry of the index without the forms that JSON's own numbers need. */
function exact(value) {
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== "object" || value === null) return value;
  if (typeof value.$int === "string") {
    const integer = BigInt(value.$int);
    return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer;
  }
  if (typeof value.$float === "string") return Number({ inf: "Infinity", "-inf": "-Infinity" }[value.$float.toLowerCase()] ?? value.$float);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, exact(item)]));
}

for (const entry of golden.filter((entry) => "value" in entry)) {
  test(`what is decoded is what the index says: ${entry.name}`, () => {
    const data = Uint8Array.from(Buffer.from(entry.hex, "hex"));
    const decoded = decode(data);
    assert.deepEqual(plain(decoded), exact(entry.value));
    assert.deepEqual(decode(encode(decoded)), decoded);
  });
}

for (const entry of golden.filter((entry) => "refused" in entry)) {
  test(`what is no value is refused: ${entry.name}`, () => {
    assert.throws(() => decode(Uint8Array.from(Buffer.from(entry.hex, "hex"))), TypeError);
  });
}

test("what has no form is named", () => {
  assert.throws(() => encode({ meta: { tags: [1, () => {}] } }), /`meta.tags\[1\]` is a function, which cannot be sent/);
  assert.throws(() => encode({ number: 1n << 64n }), /`number` is 18446744073709551616, which has more than 64 bits/);
  assert.throws(() => encode(new Date(Number.NaN)), /the value is an invalid `Date`/);
  const round = {};
  round.again = round;
  assert.throws(() => encode(round), /is nested too deep, or contains itself/);
});

test("a UUID reads as text and goes back as bytes", () => {
  const text = "0192a000-0000-7000-8000-0000000000ff";
  const uuid = Uuid.from(text);
  assert.equal(`${uuid}`, text);
  assert.deepEqual(decode(encode(uuid)), uuid);
  assert.equal(JSON.stringify({ uuid }), `{"uuid":"${text}"}`);
  assert.throws(() => Uuid.from("mine"), /`mine` is no UUID/);
});
