// Connecting handlers: what the plugin describes, and who is called.

const connected = [];
const declared = {};
const plugin = { grants: {} };

const ALONE = ["pre_init", "post_init", "pre_save", "post_save", "pre_delete", "post_delete"];
const BULK = ["pre_bulk_create", "post_bulk_create", "pre_bulk_update", "post_bulk_update"];
/** The built-in signals. */
export const SIGNALS = [...ALONE, ...BULK, "m2m_changed", "after_commit", "after_rollback"];

const OPTIONS = ["name", "reads", "writes", "priority", "when"];

/** Connects a handler to a signal of a model, or of every model. */
export function connect(signal, sender, handler, options = {}) {
  if (typeof sender === "function") [sender, handler, options] = [null, sender, handler ?? {}];
  if (typeof handler !== "function") throw new TypeError(`the handler of ${signal} is no function`);
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown) throw new TypeError(`a handler has no option \`${unknown}\`; there are \`${OPTIONS.join("`, `")}\``);
  const about = sender?.label ?? sender ?? null;
  const name = options.name ?? (handler.name || unnamed(signal, about));
  const same = (it) => it.name === name && it.signal === signal && it.sender === about;
  if (connected.some(same)) throw new TypeError(`\`${name}\` is connected to ${signal} twice; give one another \`name\``);
  connected.push({ name, signal, sender: about, handler, options: { ...sender?.options, ...options } });
  return handler;
}

function unnamed(signal, sender) {
  const number = connected.filter((it) => it.name.startsWith(`${signal}_`)).length;
  return `${signal}_${sender ?? "any"}${number ? `_${number + 1}` : ""}`;
}

/** Disconnects a handler from a signal, of one model or of all it was connected for. Before the plugin is described. */
export function disconnect(signal, handler, sender) {
  const about = sender?.label ?? sender;
  const at = connected.findIndex(
    (it) => it.signal === signal && it.handler === handler && (about === undefined || it.sender === about),
  );
  if (at >= 0) connected.splice(at, 1);
  return at >= 0;
}

/** Declares a custom signal with the names of its arguments. */
export function declare(signal, args) {
  declared[signal] = args;
}

/** What the plugin is called, and asks for: from its `package.json`, or from `plugin(..)` in a plain script. */
export function configure(about) {
  Object.assign(plugin, about);
}

/** The handler of the subscription with this index. */
export function handlerOf(subscription) {
  return connected[subscription];
}

/** The index of the handler with this name, for tests. */
export function indexOf(name, signal) {
  return connected.findIndex((it) => it.name === name && (signal === undefined || it.signal === signal));
}

/** What the plugin says about itself. */
export function describe() {
  const { name = "plugin", version = "0.0.0", grants = {} } = plugin;
  return {
    name,
    version,
    contract: "0.1.0",
    subscriptions: connected.map(subscription),
    signals: declared,
    grants: { models: {}, ...grants },
  };
}

function subscription({ name, signal, sender, options }) {
  const { reads = null, writes = null, priority = 0, when = {} } = options;
  return { handler: name, signal, sender, priority, reads, writes, when };
}
