// HTTP requests: `fetch`, as far as plugins need it.

import { http } from "#host/http";
import { RequestError } from "./errors.js";
import * as utf8 from "./utf8.js";

/**
 * Sends a request to a host that is granted, with its port, by `http` in the grants. What comes back is a response
 * whatever its status; redirects are not followed. It takes of the time that the event may wait, 5 s in all
 * unless the operator says otherwise: send it from `afterCommit` where you can.
 */
export async function fetch(url, { method = "GET", headers = {}, body } = {}) {
  const at = parts(String(url));
  const pairs = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  const request = {
    ...at,
    method: String(method).toUpperCase(),
    headers: pairs.map(([name, value]) => [String(name), utf8.encode(String(value))]),
    body: body === undefined || body === null ? new Uint8Array(0) : bytesOf(body),
  };
  let answer;
  try {
    answer = http.send(request);
  } catch (error) {
    throw new RequestError(`\`${shown(at.url)}\`: ${error.message}`);
  }
  return new Response(at.url, answer);
}

/** What came back. */
class Response {
  #body;

  constructor(url, { status, headers, body }) {
    this.url = url;
    this.status = status;
    this.ok = status >= 200 && status < 300;
    this.headers = new Headers(headers);
    this.#body = body;
  }

  /** The body as bytes. */
  async bytes() {
    return this.#body.slice();
  }

  /** The body as text. */
  async text() {
    return utf8.decode(this.#body);
  }

  /** The body as JSON. */
  async json() {
    return JSON.parse(utf8.decode(this.#body));
  }
}

/** The headers of a response, by their names in any case. */
class Headers {
  #pairs;

  constructor(pairs) {
    this.#pairs = pairs.map(([name, value]) => [name.toLowerCase(), utf8.decode(Uint8Array.from(value))]);
  }

  /** The values of a header with `, ` between them, or `null`. */
  get(name) {
    const values = this.#pairs.filter(([other]) => other === String(name).toLowerCase()).map(([, value]) => value);
    return values.length > 0 ? values.join(", ") : null;
  }

  /** Whether there is such a header. */
  has(name) {
    return this.get(name) !== null;
  }

  /** Pairs of names, in lower case, and values. */
  [Symbol.iterator]() {
    return this.#pairs[Symbol.iterator]();
  }
}

function parts(url) {
  const [scheme, rest] = url.split(/:\/\/(.*)/s);
  if (rest === undefined) throw new RequestError(`\`${shown(url)}\` has no \`http://\` or \`https://\``);
  const length = rest.search(/[/?]/);
  const authority = length < 0 ? rest : rest.slice(0, length);
  if (authority === "") throw new RequestError(`\`${shown(url)}\` names no host`);
  const path = rest.slice(authority.length);
  return { url, scheme, authority, path: path.startsWith("/") ? path : `/${path}` };
}

/** A URL as errors show it: without its query and its user, which may be secrets. */
function shown(url) {
  const [, scheme = "", authority, path] = /^([^?#]*?:\/\/)?([^/?#]*)([^?#]*)/s.exec(url);
  return scheme + authority.slice(authority.lastIndexOf("@") + 1) + path;
}

function bytesOf(body) {
  if (typeof body === "string") return utf8.encode(body);
  if (body instanceof Uint8Array) return body;
  throw new TypeError("the body of a request is a text or a Uint8Array");
}
