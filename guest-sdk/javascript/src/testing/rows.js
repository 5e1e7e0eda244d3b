// The database of a host in memory: rows by model, filters, and what the contract asks of them.

import { copy, equal, partsOf } from "../values.js";

const COMPARISONS = {
  eq: (value, wanted) => order(value, wanted) === 0,
  ne: (value, wanted) => order(value, wanted) !== 0,
  lt: (value, wanted) => order(value, wanted) < 0,
  le: (value, wanted) => order(value, wanted) <= 0,
  gt: (value, wanted) => order(value, wanted) > 0,
  ge: (value, wanted) => order(value, wanted) >= 0,
  in: (value, wanted) => wanted.some((one) => order(value, one) === 0),
  contains: (value, wanted) => value.includes(wanted),
  starts_with: (value, wanted) => value.startsWith(wanted),
};

const ARITHMETIC = {
  add: (value, by) => value + by,
  sub: (value, by) => value - by,
  mul: (value, by) => value * by,
  div: (value, by) => value / by,
};

/** All rows of all models, which tests may read and change: `rows.Post` is an array. The key of each is `id`. */
export class Rows {
  constructor(rows) {
    this.rows = rows;
  }

  get({ model, key, fields }) {
    const row = this.#of(model).find(({ id }) => equal(id, key));
    return row ? pick(row, fields) : null;
  }

  find(request) {
    const { order_by = [], limit, fields } = request;
    const rows = this.#selected(request).sort((one, other) => {
      for (const name of order_by ?? []) {
        const field = name.replace(/^-/, "");
        const which = order(one[field], other[field]);
        if (which !== 0) return name.startsWith("-") ? -which : which;
      }
      return 0;
    });
    return rows.slice(0, limit ?? undefined).map((row) => pick(row, fields));
  }

  count(request) {
    return this.#selected(request).length;
  }

  create({ model, values }) {
    const rows = this.#of(model);
    const free = 1 + Math.max(0, ...rows.map(({ id }) => Number(id)).filter(Number.isFinite));
    const row = { id: free, ...values };
    rows.push(row);
    return copy(row);
  }

  update(request) {
    const rows = this.#meant(request);
    for (const row of rows) {
      const computed = Object.entries(request.expressions ?? {}).map(([name, { field, op, value }]) => [
        name,
        ARITHMETIC[op](row[field], value),
      ]);
      Object.assign(row, request.values, Object.fromEntries(computed));
    }
    return rows.length;
  }

  delete(request) {
    const rows = this.#meant(request);
    this.rows[request.model] = this.#of(request.model).filter((row) => !rows.includes(row));
    return rows.length;
  }

  #of(model) {
    return (this.rows[model] ??= []);
  }

  #selected({ model, filter }) {
    return this.#of(model).filter((row) => holds(filter, row));
  }

  #meant(request) {
    if ("key" in request) return this.#of(request.model).filter(({ id }) => equal(id, request.key));
    if (!request.filter) throw new Error("neither `key` nor `filter` says which rows are meant");
    return this.#selected(request);
  }
}

function holds(filter, row) {
  if (!filter) return true;
  if (filter.and) return filter.and.every((part) => holds(part, row));
  if (filter.or) return filter.or.some((part) => holds(part, row));
  if (filter.not) return !holds(filter.not, row);
  const value = row[filter.field] ?? null;
  if (filter.op === "is_null") return (value === null) === filter.value;
  return value !== null && COMPARISONS[filter.op](value, filter.value);
}

/** -1, 0 or 1. Null comes first, bytes and UUIDs byte by byte, times by what they stand for. */
function order(one, other) {
  if (equal(one, other)) return 0;
  if (one === null || one === undefined) return -1;
  if (other === null || other === undefined) return 1;
  return sortable(one) < sortable(other) ? -1 : sortable(one) > sortable(other) ? 1 : 0;
}

function sortable(value) {
  if (value instanceof Date) {
    const { seconds, nanoseconds } = partsOf(value);
    return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  return value;
}

function pick(row, fields) {
  const names = fields?.length ? fields : Object.keys(row);
  return Object.fromEntries(names.map((name) => [name, copy(row[name] ?? null)]));
}
