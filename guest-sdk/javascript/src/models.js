// The application's models: reading and writing rows, in the transaction of the event.

import { models as host } from "#host/models";
import { ask } from "./request.js";

const COMPARISONS = { eq: "eq", ne: "ne", lt: "lt", le: "le", gt: "gt", ge: "ge", in: "in", isNull: "is_null", contains: "contains", startsWith: "starts_with" };

/** A field, to compare or to compute with: `F("stars").ge(3)`, `F("stars").add(1)`. */
export function F(field) {
  const compare = ([name, op]) => [name, (value = true) => ({ field, op, value })];
  const compute = (op) => [op, (value) => new Expression({ field, op, value })];
  const methods = [...Object.entries(COMPARISONS).map(compare), ...["add", "sub", "mul", "div"].map(compute)];
  return Object.fromEntries(methods);
}

class Expression {
  constructor(wire) {
    this.wire = wire;
  }
}

/** Rows that all these select. */
export const and = (...filters) => ({ and: filters.map(filter) });
/** Rows that any of these selects. */
export const or = (...filters) => ({ or: filters.map(filter) });
/** Rows that this does not select. */
export const not = (one) => ({ not: filter(one) });

/** A filter as the contract writes it; an object of plain values compares each of them: `{ title: "Hello", stars: 3 }`. */
function filter(one) {
  const isFilter = "and" in one || "or" in one || "not" in one || ("field" in one && "op" in one);
  if (isFilter) return one;
  const each = Object.entries(one).map(([field, value]) => (value === null ? F(field).isNull() : F(field).eq(value)));
  return each.length === 1 ? each[0] : { and: each };
}

/** What is written: values, and what the database computes. */
function changes(written) {
  const values = {};
  const expressions = {};
  for (const [name, value] of Object.entries(written)) {
    if (value instanceof Expression) expressions[name] = value.wire;
    else values[name] = value;
  }
  return Object.keys(expressions).length > 0 ? { values, expressions } : { values };
}

/** Rows of a model that have yet to be asked for. */
class Rows {
  constructor(model, wire = {}) {
    this.model = model;
    this.wire = wire;
  }

  #with(more) {
    return new Rows(this.model, { ...this.wire, ...more });
  }

  /** Only those; further calls narrow it down. */
  filter(...filters) {
    const all = [...(this.wire.filter ? [this.wire.filter] : []), ...filters.map(filter)];
    return this.#with({ filter: all.length === 1 ? all[0] : { and: all } });
  }

  /** In this order; a leading `-` is for descending. */
  orderBy(...names) {
    return this.#with({ order_by: names });
  }

  /** At most so many. */
  limit(limit) {
    return this.#with({ limit });
  }

  /** Only these fields of each. */
  fields(...names) {
    return this.#with({ fields: names });
  }

  /** All of them. */
  all() {
    return ask(host.find, { model: this.model, ...this.wire });
  }

  /** The first, or `null`. */
  first() {
    return this.limit(1).all()[0] ?? null;
  }

  /** How many there are. */
  count() {
    return ask(host.count, { model: this.model, filter: this.wire.filter });
  }

  /** Whether there is one. */
  exists() {
    return this.count() > 0;
  }

  /** Writes values, or expressions of `F`, to all of them in one statement, without signals; how many there were. */
  update(values) {
    return ask(host.update, { model: this.model, ...changes(values), filter: this.wire.filter ?? { and: [] } });
  }

  /** Deletes them, with their signals and their cascade; how many rows that were. */
  delete() {
    return ask(host.delete, { model: this.model, filter: this.wire.filter ?? { and: [] } });
  }
}

/** One model by its label: `models("Post").get(7)`. Each operation needs its grant. */
export function models(label) {
  const rows = new Rows(label);
  return {
    /** One row by its key, or `null`. */
    get: (key, ...fields) => ask(host.get, { model: label, key, fields: fields.length > 0 ? fields : null }),
    /** Saves a new row, with its signals: all its fields. */
    create: (values) => ask(host.create, { model: label, values }),
    /** Saves values, or expressions of `F`, of one row, with its signals; 0 when there is none with this key. */
    update: (key, values) => ask(host.update, { model: label, key, ...changes(values) }),
    /** Deletes one row, with its signals; how many rows that were, with those of the cascade. */
    delete: (key) => ask(host.delete, { model: label, key }),
    /** Every row, to be narrowed down. */
    all: () => rows.all(),
    filter: (...filters) => rows.filter(...filters),
    orderBy: (...names) => rows.orderBy(...names),
    count: () => rows.count(),
    /** All rows, for `update` and `delete`. */
    rows: () => rows,
  };
}
