// Testing handlers natively, with `node --test`: this plays the host's part.
//
//     import { Host } from "aksara/testing";
//     import "./index.js";
//
//     test("a slug is made of the title", async () => {
//       const { patch } = await new Host().call("generateSlug", { instance: { title: "Hello", slug: "" } });
//       assert.deepEqual(patch, { slug: "hello" });
//     });
//
// A call is what the host would make of it: the handler is sent the fields that it reads and no others, and may set
// what it writes and nothing else. Grants and limits are not checked; `aksara call` runs the component.

import { begin, describeBytes, failure, finish } from "../dispatch.js";
import { decode, encode } from "../msgpack.js";
import { eventOf } from "./event.js";
import { running } from "./host.js";
import { Rows } from "./rows.js";
import { Timestamp } from "../values.js";

/** What the plugin says of itself, as the contract has it. */
export function describe() {
  return decode(describeBytes());
}

/** Answers what handlers ask: from rows, services, settings, HTTP responses and a cache in memory, which stay from call to call. */
export class Host {
  #called;

  constructor({ rows = {}, services = {}, settings = {}, cache = {}, responses = {} } = {}) {
    /** Rows by model; the key of each is `id`. */
    this.rows = rows;
    /** What services answer: functions by name. */
    this.services = services;
    /** The plugin's settings by name. */
    this.settings = settings;
    /** Values of the cache, as bytes, by bucket and key. */
    this.cache = cache;
    /** What HTTP requests get, by URL: `{ status, headers, body }`. */
    this.responses = responses;
  }

  /** Runs the handler with this name for one event, and says what came of it. */
  async call(handler, event = {}) {
    const [index, subscription] = find(handler, event.signal);
    const called = { log: [], requests: [], answer: (...asked) => this.#answer(called, ...asked) };
    called.line = (line) => called.log.push(plain(line));
    called.bucket = (name) => this.#bucket(name);
    called.respond = (request) => this.#respond(called, request);
    const bytes = encode(eventOf(event, subscription));
    const outcome = await running.run(called, () => run(index, bytes));
    const { log, requests } = called;
    return { ...checked(outcome, subscription), log, requests };
  }

  #answer(called, name, request) {
    called.requests.push({ import: name, request: plain(request) });
    const [kind, operation] = name.split(".");
    if (kind === "models") return new Rows(this.rows)[operation](request);
    if (kind === "config") return this.settings[request.name] ?? null;
    if (kind === "bus") return send(request);
    const service = this.services[request.service];
    if (!service) throw new Error(`there is no service \`${request.service}\`; give the host one under \`services\``);
    return service(request.args);
  }

  #respond(called, { method, url, headers, body }) {
    const text = (bytes) => new TextDecoder().decode(bytes);
    const shown = Object.fromEntries(headers.map(([name, value]) => [name, text(value)]));
    called.requests.push({ import: "http", request: { method, url, headers: shown, body: text(body) } });
    const response = this.responses[url];
    if (!response) throw new Error("there is no response; give the host one under `responses`");
    const bytes = (value) => new TextEncoder().encode(value);
    return {
      status: response.status ?? 200,
      headers: Object.entries(response.headers ?? {}).map(([name, value]) => [name, bytes(value)]),
      body: typeof response.body === "string" ? bytes(response.body) : (response.body ?? bytes("")),
    };
  }

  #bucket(name) {
    const values = (this.cache[name] ??= {});
    return {
      get: (key) => values[key],
      set: (key, value) => void (values[key] = Uint8Array.from(value)),
      delete: (key) => void delete values[key],
      exists: (key) => Object.hasOwn(values, key),
    };
  }
}

async function run(index, bytes) {
  try {
    const begun = begin(index, bytes);
    const reply = finish(begun, await begun.returned);
    return reply.length > 0 ? plain(decode(reply)) : {};
  } catch (error) {
    return decode(failure(error));
  }
}

/** Times that a `Date` holds as such, so that a test may compare them with one. */
function plain(value) {
  if (value instanceof Timestamp) return value.nanoseconds % 1e6 === 0 ? value.toDate() : value;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}

function find(handler, signal) {
  const { subscriptions } = describe();
  const index = subscriptions.findIndex((it) => it.handler === handler && (!signal || it.signal === signal));
  if (index >= 0) return [index, subscriptions[index]];
  const names = subscriptions.map((it) => `\`${it.handler}\``).join(", ");
  throw new Error(`there is no handler \`${handler}\`${signal ? ` of ${signal}` : ""}; there are ${names || "none"}`);
}

/** A signal of the plugin's own is sent with the arguments that it declares. */
function send({ signal, args, robust }) {
  const declared = describe().signals[signal];
  const sent = Object.keys(args ?? {});
  const missing = declared?.find((name) => !sent.includes(name));
  const unknown = declared && sent.find((name) => !declared.includes(name));
  if (missing) throw new Error(`the signal \`${signal}\` has the argument \`${missing}\`, which is missing`);
  if (unknown) throw new Error(`the signal \`${signal}\` has no argument \`${unknown}\``);
  return robust ? [] : null;
}

/** The outcome in camel case; what goes beyond `writes` is a failure, as it is to the host. */
function checked(outcome, { writes }) {
  const patches = [outcome.instance, ...(outcome.instances ?? [])].filter(Boolean);
  const outside = patches.flatMap(Object.keys).find((name) => writes && !writes.includes(name));
  if (outside) return { error: `set \`${outside}\`, which is not in its \`writes\`` };
  return {
    patch: outcome.instance ?? {},
    updateFields: outcome.update_fields,
    instances: outcome.instances,
    pkSet: outcome.pk_set,
    rejected: outcome.reject,
    invalid: outcome.invalid,
    error: outcome.error,
  };
}
