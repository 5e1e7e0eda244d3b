// The SDK: what `import { .. } from "aksara"` finds.

import { connect, disconnect as disconnectFrom } from "./handlers.js";

export { Signal, config, service } from "./application.js";
export { bucket, cache } from "./cache.js";
export { Invalid, Rejected, RequestError, invalid, reject } from "./errors.js";
export { configure as plugin } from "./handlers.js";
export { fetch } from "./http.js";
export { log } from "./log.js";
export { F, and, models, not, or } from "./models.js";
export { Timestamp, Uuid } from "./values.js";

/** A model that says, once, which of its fields handlers read and write. */
export class Model {
  constructor(label, options = {}) {
    this.label = label;
    this.options = options;
  }
}

// Each connects a handler to a signal: of a model, or with the handler alone, of every model.
export const preInit = connect.bind(null, "pre_init");
export const postInit = connect.bind(null, "post_init");
export const preSave = connect.bind(null, "pre_save");
export const postSave = connect.bind(null, "post_save");
export const preDelete = connect.bind(null, "pre_delete");
export const postDelete = connect.bind(null, "post_delete");
export const preBulkCreate = connect.bind(null, "pre_bulk_create");
export const postBulkCreate = connect.bind(null, "post_bulk_create");
export const preBulkUpdate = connect.bind(null, "pre_bulk_update");
export const postBulkUpdate = connect.bind(null, "post_bulk_update");
export const m2mChanged = connect.bind(null, "m2m_changed");
export const afterCommit = connect.bind(null, "after_commit");
export const afterRollback = connect.bind(null, "after_rollback");

/** Connects a handler to any signal by its name, also to a custom one. */
export function on(signal, ...rest) {
  return connect(signal, ...rest);
}

/** Disconnects a handler from a signal by its name. */
export function disconnect(signal, handler, sender) {
  return disconnectFrom(signal, handler, sender);
}
