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

/** Setters of `Date` that are told the millisecond when they get so many arguments. */
const MILLISECOND_AT = { Time: 1, Milliseconds: 1, Seconds: 2, Minutes: 3, Hours: 4 };

/** A time of the database: a `Date` that also keeps what is below its millisecond. */
export class Timestamp extends Date {
  /** Nanoseconds below the millisecond. */
  #below;
  /** The seconds and nanoseconds of a time that no `Date` reaches. */
  #far;

  /** So many seconds since the epoch, and from 0 to 999,999,999 nanoseconds. */
  constructor(seconds, nanoseconds = 0) {
    if (!Number.isInteger(seconds) || !Number.isInteger(nanoseconds) || nanoseconds < 0 || nanoseconds > 999_999_999) {
      throw new TypeError(`${seconds} s and ${nanoseconds} ns are not a time; both are whole, the latter below a billion`);
    }
    super(seconds * 1_000 + Math.floor(nanoseconds / 1e6));
    this.#below = nanoseconds % 1e6;
    if (Number.isNaN(this.getTime())) this.#far = { seconds, nanoseconds };
  }

  get seconds() {
    return this.#far?.seconds ?? Math.floor(this.getTime() / 1_000);
  }

  get nanoseconds() {
    return this.#far?.nanoseconds ?? (this.getTime() - this.seconds * 1_000) * 1e6 + this.#below;
  }

  /** The time without what is below a millisecond. */
  toDate() {
    return new Date(this.getTime());
  }

  /** As `Date` has it, with 6 or 9 digits of the second where 3 do not say all. */
  toISOString() {
    const text = super.toISOString();
    if (this.#below === 0) return text;
    return `${text.slice(0, -1)}${String(this.#below).padStart(6, "0").replace(/000$/, "")}Z`;
  }

  toString() {
    return Number.isNaN(this.getTime()) ? super.toString() : this.toISOString();
  }

  static {
    for (const name of Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith("set"))) {
      const set = Date.prototype[name];
      const millisecondAt = MILLISECOND_AT[name.replace(/^set(UTC)?/, "")];
      const value = function (...parts) {
        if (parts.length >= millisecondAt) this.#below = 0;
        this.#far = undefined;
        return set.apply(this, parts);
      };
      Object.defineProperty(this.prototype, name, { value, writable: true, configurable: true });
    }
  }
}

/** A time in the two parts that the wire has; `undefined` for an invalid `Date`. */
export function partsOf(time) {
  if (time instanceof Timestamp && !Number.isNaN(time.seconds)) return time;
  const milliseconds = time.getTime();
  if (Number.isNaN(milliseconds)) return undefined;
  const seconds = Math.floor(milliseconds / 1_000);
  return { seconds, nanoseconds: (milliseconds - seconds * 1_000) * 1e6 };
}

/** Whether two values are the same on the wire. */
export function equal(one, other) {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (one instanceof Uint8Array && other instanceof Uint8Array) {
    return one.length === other.length && one.every((byte, at) => byte === other[at]);
  }
  if (one instanceof Date && other instanceof Date) {
    const [mine, its] = [partsOf(one), partsOf(other)];
    return mine?.seconds === its?.seconds && mine?.nanoseconds === its?.nanoseconds;
  }
  // A document without entries is not a time, and neither is an array without any.
  if (Object.getPrototypeOf(one) !== Object.getPrototypeOf(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => name in other && equal(one[name], other[name]));
}

/** A copy that shares nothing that can be changed. */
export function copy(value) {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Timestamp && !Number.isNaN(value.seconds)) return new Timestamp(value.seconds, value.nanoseconds);
  if (value instanceof Date) return new Date(value.getTime());
  if (value instanceof Uuid) return Uuid.from(value);
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(copy);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copy(item)]));
}
