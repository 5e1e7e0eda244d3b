// Values that JavaScript has no type of its own for.

/** A UUID: its 16 bytes, which read as text in the usual form: `${instance.id}`. */
export class Uuid extends Uint8Array {
  /** The UUID with this text, or with these 16 bytes. */
  static from(value) {
    const bytes = typeof value === "string" ? parse(value) : value;
    if (bytes?.length !== 16) throw new TypeError(`\`${value}\` is no UUID; write it as 8-4-4-4-12 hexadecimal digits`);
    const uuid = new Uuid(16);
    uuid.set(bytes);
    return uuid;
  }

  // What is cut out of a UUID is none.
  static get [Symbol.species]() {
    return Uint8Array;
  }

  toString() {
    let text = "";
    for (let at = 0; at < 16; at++) {
      if (at === 4 || at === 6 || at === 8 || at === 10) text += "-";
      text += (this[at] + 256).toString(16).slice(1);
    }
    return text;
  }

  toJSON() {
    return this.toString();
  }
}

function parse(text) {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return undefined;
  return text.replaceAll("-", "").match(/../g).map((digits) => parseInt(digits, 16));
}

/** A time that a `Date` cannot hold: one with a part of a millisecond, or far away. */
export class Timestamp {
  /** So many seconds since the epoch, and from 0 to 999,999,999 nanoseconds. */
  constructor(seconds, nanoseconds = 0) {
    if (!Number.isInteger(seconds) || !Number.isInteger(nanoseconds) || nanoseconds < 0 || nanoseconds > 999_999_999) {
      throw new TypeError(`${seconds} s and ${nanoseconds} ns are no time; both are whole, the latter below a billion`);
    }
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
  }

  /** The time without what is below a millisecond. */
  toDate() {
    return new Date(this.seconds * 1_000 + Math.floor(this.nanoseconds / 1e6));
  }

  toString() {
    return `${this.toDate().toISOString().slice(0, -4)}${String(this.nanoseconds).padStart(9, "0")}Z`;
  }

  toJSON() {
    return this.toString();
  }
}

/** Whether two values are the same on the wire. */
export function equal(one, other) {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (one instanceof Uint8Array && other instanceof Uint8Array) {
    return one.length === other.length && one.every((byte, at) => byte === other[at]);
  }
  // A document without entries is no time, and neither is an array without any.
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
  if (one instanceof Date) return one.getTime() === other.getTime();
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => name in other && equal(one[name], other[name]));
}

/** A copy that shares nothing that can be changed. */
export function copy(value) {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof Timestamp) return value;
  if (value instanceof Uuid) return Uuid.from(value);
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(copy);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copy(item)]));
}
