// What handlers ask of the host: models, services, settings, signals, a cache.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { F, RequestError, Signal, and, bucket, config, models, not, or, postSave, service, fetch } from "aksara-guest";
import { Host } from "aksara-guest/testing";

const paid = new Signal("billing.payment_processed");
const happened = new Signal("requests.happened", ["number"]);

let ask;
postSave("Post", async () => ask(), { name: "asker" });

/** What a handler gets for asking this, the requests that it makes, and its failure. */
async function asking(host, question) {
  let answer;
  ask = async () => (answer = await question());
  const { requests, error } = await host.call("asker");
  return { answer, error, requests: requests.map(({ request }) => request) };
}

const posts = () =>
  new Host({
    rows: {
      Post: [
        { id: 1, title: "Hello", stars: 3, at: new Date(3_000) },
        { id: 2, title: "Help", stars: 1, at: null },
        { id: 3, title: "Other", stars: 2, at: new Date(1_000) },
      ],
    },
  });

const golden = JSON.parse(readFileSync(new URL("../../../wit/golden/index.json", import.meta.url), "utf8"));
const wanted = (name) => golden.find((entry) => entry.name === name).value;

test("requests are those of the contract", async () => {
  const host = new Host({ services: { "notifications.send": () => null } });
  const only = async (question) => (await asking(host, question)).requests[0];
  const create = () => models("Note").create({ title: "Hello", stars: 1 });
  assert.deepEqual(await only(create), wanted("models_create"));
  assert.deepEqual(await only(() => models("Note").update(7, { title: "Hello" })), wanted("models_update"));
  assert.deepEqual(await only(() => models("Post").delete(7)), wanted("models_delete"));
  const rows = await only(() => models("Note").rows().update({ stars: F("stars").add(1) }));
  assert.deepEqual({ ...rows, values: undefined }, { ...wanted("models_update_rows"), values: undefined });
  const send = () => paid.sendRobust({ amount: 99.5, currency: "USD" }, { sender: "Order", key: 7 });
  assert.deepEqual(await only(send), wanted("send"));
  const notify = () => service("notifications.send", { user: 7, message: "a comment" });
  assert.deepEqual(await only(notify), wanted("service"));
  assert.deepEqual(await only(() => config("greeting")), wanted("config"));
});

test("rows are read", async () => {
  const answer = async (question) => (await asking(posts(), question)).answer;
  const post = models("Post");
  assert.equal((await answer(() => post.get(2))).title, "Help");
  assert.deepEqual(await answer(() => post.get(2, "title")), { title: "Help" });
  assert.equal(await answer(() => post.get(9)), null);
  const titles = (rows) => rows.map(({ title }) => title).join();
  assert.equal(titles(await answer(() => post.filter(F("stars").ge(2)).orderBy("-stars").limit(2).all())), "Hello,Other");
  assert.equal(titles(await answer(() => post.filter({ title: "Help", stars: 1 }).all())), "Help");
  assert.equal(titles(await answer(() => post.filter({ at: null }).all())), "Help");
  assert.equal(titles(await answer(() => post.filter(F("at").lt(new Date(2_000))).all())), "Other");
  assert.equal(titles(await answer(() => post.filter(or({ id: 1 }, and({ id: 2 }, not({ stars: 2 })))).all())), "Hello,Help");
  assert.equal(await answer(() => post.filter(F("title").startsWith("Hel")).filter(F("id").in([2, 3])).count()), 1);
  assert.equal((await answer(() => post.orderBy("title").first())).id, 1);
  assert.equal(await answer(() => post.filter({ id: 9 }).exists()), false);
});

test("rows are written", async () => {
  const host = posts();
  const post = models("Post");
  assert.equal((await asking(host, () => post.create({ title: "New" }))).answer.id, 4);
  assert.equal((await asking(host, () => post.update(1, { title: "Changed" }))).answer, 1);
  assert.equal((await asking(host, () => post.update(1, { stars: F("stars").add(1) }))).answer, 1);
  assert.equal((await asking(host, () => post.filter(F("stars").lt(3)).update({ stars: F("stars").mul(10) }))).answer, 2);
  assert.deepEqual(host.rows.Post.map(({ stars }) => stars), [4, 10, 20, undefined]);
  assert.equal((await asking(host, () => post.delete(3))).answer, 1);
  assert.equal((await asking(host, () => post.filter(F("title").contains("Ch")).delete())).answer, 1);
  assert.deepEqual(host.rows.Post.map(({ title }) => title), ["Help", "New"]);
});

test("services, settings and signals", async () => {
  const host = new Host({ services: { reverse: (text) => [...text].reverse().join("") }, settings: { greeting: "Hi" } });
  assert.equal((await asking(host, () => service("reverse", "abc"))).answer, "cba");
  assert.match((await asking(host, () => service("none"))).error, /RequestError: there is no service `none`/);
  assert.equal((await asking(host, () => config("greeting"))).answer, "Hi");
  assert.equal((await asking(host, () => config("none"))).answer, null);
  assert.match((await asking(host, () => happened.send({}))).error, /has the argument `number`, which is missing/);
});

test("a cache holds bytes and text", async () => {
  const host = new Host();
  const cache = bucket("posts");
  const { answer } = await asking(host, () => {
    cache.set("key", "é");
    const kept = [cache.getText("key"), cache.get("key"), cache.get("none"), cache.exists("key")];
    cache.delete("key");
    return [...kept, cache.exists("key")];
  });
  assert.deepEqual(answer, ["é", Uint8Array.of(0xc3, 0xa9), null, true, false]);
});

test("HTTP requests have their responses", async () => {
  const url = "https://api.example.com/posts?page=2";
  const headers = { "content-type": "application/json" };
  const host = new Host({ responses: { [url]: { status: 404, headers, body: '{"é": 1}' } } });
  const { answer, requests } = await asking(host, async () => {
    const response = await fetch(url, { method: "post", headers: { accept: "*/*" }, body: "hello" });
    const { status, ok } = response;
    return [status, ok, response.headers.get("Content-Type"), response.headers.has("x"), await response.json(), await response.text()];
  });
  assert.deepEqual(answer, [404, false, "application/json", false, { é: 1 }, '{"é": 1}']);
  assert.deepEqual(requests, [{ method: "POST", url, headers: { accept: "*/*" }, body: "hello" }]);
  for (const [wrong, expected] of [
    ["mail", /RequestError: `mail` has no `http:\/\/` or `https:\/\/`/],
    ["http:///", /RequestError: `http:\/\/\/` names no host/],
    ["https://example.com", /RequestError: `https:\/\/example\.com`: there is no response; give the host one under `responses`/],
  ]) {
    assert.match((await asking(host, () => fetch(wrong))).error, expected);
  }
  assert.match((await asking(host, () => fetch(url, { body: 7 }))).error, /TypeError: the body of a request is a text or a Uint8Array/);
});

test("calls at the same time have a host each", async () => {
  const [one, other] = [posts(), new Host()];
  ask = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return models("Post").count();
  };
  const calls = await Promise.all([one.call("asker"), other.call("asker")]);
  assert.deepEqual(calls.map(({ requests }) => requests.length), [1, 1]);
});

test("a request is an error that a handler may catch", async () => {
  const { answer } = await asking(new Host(), () => {
    try {
      return service("none");
    } catch (error) {
      return error;
    }
  });
  assert.ok(answer instanceof RequestError);
  assert.equal(answer.message, "there is no service `none`; give the host one under `services`");
});

test("outside of a handler there is nobody to ask", () => {
  assert.throws(() => config("greeting"), /there is no host outside of a handler/);
});
