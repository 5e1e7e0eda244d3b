// The host's imports natively: those of the `Host` under which a handler is called.

let current;

/** Runs a function with this host around it. */
export async function during(host, run) {
  const outer = current;
  current = host;
  try {
    return await run();
  } finally {
    current = outer;
  }
}

function host() {
  if (!current) throw new Error("there is no host here; call the handler through `Host` of `aksara/testing`");
  return current;
}

/** Each function of an interface, asked of the host that is there. */
function imports(name, functions) {
  return Object.fromEntries(functions.map((one) => [one, (request) => host().answer(`${name}.${one}`, request)]));
}

export const models = imports("models", ["get", "find", "count", "create", "update", "delete"]);
export const bus = imports("bus", ["send"]);
export const services = imports("services", ["call"]);
export const config = imports("config", ["get"]);
// Outside a call, where a test calls the function itself, nobody reads the log.
export const log = { write: (record) => current?.answer("log.write", record) };
export const store = { open: (name) => host().bucket(name) };
