// Instances: objects that know what was changed, so that only that goes back.

import { copy, equal } from "./values.js";

const SECRET = new WeakMap();

/** An instance with these fields. Reading a field that the handler does not get, or misspelling one, is an error. */
export function track(fields, label) {
  const before = {};
  const proxy = new Proxy(fields, {
    get(fields, name) {
      if (typeof name === "symbol" || Object.hasOwn(fields, name)) {
        remember(fields, before, name);
        return fields[name];
      }
      if (name === "toJSON") return () => ({ ...fields });
      // What the language itself looks for on any object.
      if (name in Object.prototype || name === "then") return fields[name];
      const names = Object.keys(fields).map((name) => `\`${name}\``).join(", ");
      throw new TypeError(`\`${label}\` has no field \`${name}\` here; the handler gets ${names || "none"}: see its \`reads\``);
    },
    set(fields, name, value) {
      const type = typeof value;
      if (type === "function" || type === "symbol") throw new TypeError(`\`${label}.${String(name)}\` cannot be a ${type}`);
      if (value instanceof Promise) throw new TypeError(`\`${label}.${name}\` cannot be a promise; \`await\` it first`);
      remember(fields, before, name);
      if (!Object.hasOwn(before, name)) before[name] = fields[name];
      fields[name] = value === undefined ? null : value;
      return true;
    },
    deleteProperty(_, name) {
      throw new TypeError(`the field \`${label}.${String(name)}\` cannot be deleted; set it to \`null\``);
    },
  });
  SECRET.set(proxy, { fields, before });
  return proxy;
}

/** Keeps what a field was before somebody has something of it in hands that can be changed. */
function remember(fields, before, name) {
  const value = fields[name];
  if (typeof value === "object" && value !== null && !Object.hasOwn(before, name)) before[name] = copy(value);
}

/** The fields that are not what they were, by name. */
export function changed(instance) {
  const { fields, before } = SECRET.get(instance);
  const names = Object.keys(before).filter((name) => !equal(fields[name], before[name]));
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}
