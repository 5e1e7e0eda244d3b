// The import `wasi:http`: one request, from its first header to the last byte of the response.

import handler from "wasi:http/outgoing-handler@0.2.0";
import types from "wasi:http/types@0.2.0";

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/** What the host takes at once of a body, and what is asked of it at once: a `u64`, which the engine takes as a number. */
const WRITE = 4_096;
const READ = 65_536;

export const http = {
  /** Sends a request and waits for the whole response. Throws an error that says what went wrong. */
  send({ method, scheme, authority, path, headers, body }) {
    const outgoing = new types.OutgoingRequest(said("a header is refused", () => types.Fields.fromList(headers)));
    said("the method is none", () => outgoing.setMethod(variant(METHODS, method, method.toLowerCase())));
    said("the scheme is none", () => outgoing.setScheme(variant(["http", "https"], scheme, scheme.toUpperCase())));
    said("the host is none", () => outgoing.setAuthority(authority));
    said("the path is none", () => outgoing.setPathWithQuery(path));
    const to = outgoing.body();
    return using(answered(() => handler.handle(outgoing, undefined)), (future) => {
      said("the body cannot be written", () => write(to, body));
      using(future.subscribe(), (ready) => ready.block());
      return using(answered(() => unwrap(unwrap(future.get()))), (response) => ({
        status: response.status(),
        headers: using(response.headers(), (fields) => fields.entries()),
        body: using(response.consume(), (from) => using(from.stream(), read)),
      }));
    });
  },
};

/** Uses a resource and drops it: each before those that it is a part of. */
function using(resource, use) {
  try {
    return use(resource);
  } finally {
    resource[Symbol.dispose]();
  }
}

function variant(names, name, tag) {
  return names.includes(name) ? { tag } : { tag: "other", val: name };
}

function said(problem, use) {
  try {
    return use();
  } catch {
    throw new Error(problem);
  }
}

/** What is used, or the reason why there is no response. */
function answered(use) {
  try {
    return use();
  } catch (error) {
    const { tag, val } = error?.payload ?? error ?? {};
    if (tag === "HTTP-request-denied") {
      throw new Error("the host and port are not granted; ask for them by `http` in the grants, and let the operator grant them");
    }
    throw new Error(`there is no response: ${tag ?? error}${typeof val === "string" ? `: ${val}` : ""}`);
  }
}

/** A result that is a value, not what a function returns, is no exception. */
function unwrap(result) {
  if (result?.tag === "ok") return result.val;
  throw result?.val ?? new Error("nothing");
}

function write(body, bytes) {
  using(body.write(), (stream) => {
    for (let at = 0; at < bytes.length; at += WRITE) stream.blockingWriteAndFlush(bytes.subarray(at, at + WRITE));
  });
  types.OutgoingBody.finish(body, undefined);
}

function read(stream) {
  const pieces = [];
  let length = 0;
  for (;;) {
    try {
      const piece = stream.blockingRead(READ);
      pieces.push(piece);
      length += piece.length;
    } catch (error) {
      if ((error?.payload ?? error)?.tag !== "closed") throw new Error("the response ends too early");
      const body = new Uint8Array(length);
      let at = 0;
      for (const piece of pieces) {
        body.set(piece, at);
        at += piece.length;
      }
      return body;
    }
  }
}
