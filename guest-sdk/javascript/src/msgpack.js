// MessagePack as the contract uses it: maps have text keys, and a time is the timestamp extension. An integer that a
// number cannot hold exactly is a BigInt.

import { Timestamp, Uuid, partsOf } from "./values.js";
import * as utf8 from "./utf8.js";

/** Levels of arrays and objects in one message, as the host has it. */
const DEPTH_MAX = 128;

/** As much of a path as an error shows. */
const PATH_MAX = 200;

/** The value in these bytes. Throws a `TypeError` when there is none, or more than one. */
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.at !== bytes.length) throw new TypeError("malformed MessagePack: something follows the value");
  return value;
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  /** Moves over so many bytes; where they begin. */
  take(count) {
    const begin = this.at;
    if (begin + count > this.bytes.length) throw new TypeError("malformed MessagePack: it ends early");
    this.at = begin + count;
    return begin;
  }

  byte() {
    return this.bytes[this.take(1)];
  }

  /** A number without a sign, of 1, 2 or 4 bytes. */
  size(width) {
    const at = this.take(width);
    return width === 1 ? this.bytes[at] : width === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
  }

  value(depth) {
    const lead = this.byte();
    if (lead < 0x80) return lead;
    if (lead < 0x90) return this.map(lead & 15, depth);
    if (lead < 0xa0) return this.array(lead & 15, depth);
    if (lead < 0xc0) return this.text(lead & 31);
    if (lead >= 0xe0) return lead - 256;
    switch (lead) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.binary(this.size(1 << (lead - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.extension(this.size(1 << (lead - 0xc7)));
      case 0xca:
        return this.view.getFloat32(this.take(4));
      case 0xcb:
        return this.view.getFloat64(this.take(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.size(1 << (lead - 0xcc));
      case 0xcf:
        return narrow(this.view.getBigUint64(this.take(8)));
      case 0xd0:
        return this.view.getInt8(this.take(1));
      case 0xd1:
        return this.view.getInt16(this.take(2));
      case 0xd2:
        return this.view.getInt32(this.take(4));
      case 0xd3:
        return narrow(this.view.getBigInt64(this.take(8)));
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.extension(1 << (lead - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.text(this.size(1 << (lead - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.array(this.size(2 << (lead - 0xdc)), depth);
      case 0xde:
      case 0xdf:
        return this.map(this.size(2 << (lead - 0xde)), depth);
      default:
        throw new TypeError(`malformed MessagePack: the byte ${lead} begins no value`);
    }
  }

  text(length) {
    const begin = this.take(length);
    return utf8.decode(this.bytes, begin, begin + length);
  }

  binary(length) {
    const begin = this.take(length);
    const bytes = this.bytes.slice(begin, begin + length);
    return length === 16 ? Uuid.from(bytes) : bytes;
  }

  array(length, depth) {
    this.check(length, depth);
    const array = [];
    for (let index = 0; index < length; index++) array.push(this.value(depth + 1));
    return array;
  }

  map(length, depth) {
    this.check(length * 2, depth);
    const map = {};
    for (let index = 0; index < length; index++) {
      const key = this.value(depth + 1);
      if (typeof key !== "string") throw new TypeError("malformed MessagePack: a key is not text");
      if (Object.hasOwn(map, key)) throw new TypeError(`malformed MessagePack: the key \`${key}\` is there twice`);
      const item = this.value(depth + 1);
      // An assignment would take this one for the prototype.
      if (key === "__proto__") Object.defineProperty(map, key, { value: item, writable: true, enumerable: true, configurable: true });
      else map[key] = item;
    }
    return map;
  }

  check(items, depth) {
    if (depth >= DEPTH_MAX) throw new TypeError("malformed MessagePack: it is nested too deep");
    if (items > this.bytes.length - this.at) throw new TypeError("malformed MessagePack: it ends early");
  }

  extension(length) {
    const type = this.view.getInt8(this.take(1));
    const at = this.take(length);
    if (type !== -1) throw new TypeError(`malformed MessagePack: unknown extension type ${type}`);
    let seconds, nanoseconds;
    if (length === 4) {
      [seconds, nanoseconds] = [this.view.getUint32(at), 0];
    } else if (length === 8) {
      const high = this.view.getUint32(at);
      nanoseconds = high >>> 2;
      seconds = (high & 3) * 2 ** 32 + this.view.getUint32(at + 4);
    } else if (length === 12) {
      nanoseconds = this.view.getUint32(at);
      seconds = Number(this.view.getBigInt64(at + 4));
    }
    if (nanoseconds === undefined || nanoseconds > 999_999_999) throw new TypeError("malformed MessagePack: a malformed timestamp");
    return new Timestamp(seconds, nanoseconds);
  }
}

function narrow(integer) {
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}

/** The bytes of a value. Throws a `TypeError` that says where what has no form is: `meta.tags[2]`. */
export function encode(value) {
  return written(new Writer(), value);
}

/** The bytes of a value of what is said to people: half of a character is shown as U+FFFD there. */
export function encodeMessage(value) {
  return written(new Writer((text) => text), value);
}

function written(writer, value) {
  writer.value(value, "", 0);
  return writer.bytes.slice(0, writer.at);
}

class Writer {
  /** `whole` looks at each text, and at where it is. */
  constructor(whole = wholeText) {
    this.whole = whole;
    this.grow(256);
    this.at = 0;
  }

  grow(length) {
    const bytes = new Uint8Array(length);
    if (this.bytes) bytes.set(this.bytes);
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  /** Room for so many bytes more; where they begin. It may move `bytes` and `view`. */
  room(count) {
    const begin = this.at;
    if (begin + count > this.bytes.length) this.grow(Math.max(this.bytes.length * 2, begin + count));
    this.at = begin + count;
    return begin;
  }

  byte(byte) {
    const at = this.room(1);
    this.bytes[at] = byte;
  }

  /** The head of what has a length: the form with the length in it below `fixed`, or else that with 1, 2 or 4 bytes. */
  head(length, fixed, form, lead, widths) {
    if (length < fixed) return this.byte(form | length);
    const width = widths.find((width) => length < 2 ** (8 * width));
    this.byte(lead + widths.indexOf(width));
    const at = this.room(width);
    if (width === 1) this.bytes[at] = length;
    else if (width === 2) this.view.setUint16(at, length);
    else this.view.setUint32(at, length);
  }

  value(value, path, depth) {
    switch (typeof value) {
      case "boolean":
        return this.byte(value ? 0xc3 : 0xc2);
      case "string":
        return this.text(value, path);
      case "number":
        return this.number(value);
      case "bigint":
        return this.integer(value, path);
      case "object":
        return this.object(value, path, depth);
      case "undefined":
        throw new TypeError(`${place(path)} is undefined; send \`null\`, or leave it out`);
      default:
        throw new TypeError(`${place(path)} is a ${typeof value}, which cannot be sent`);
    }
  }

  number(number) {
    if (!Number.isSafeInteger(number) || Object.is(number, -0)) {
      this.byte(0xcb);
      const at = this.room(8);
      return this.view.setFloat64(at, number);
    }
    if (number >= 0 && number < 128) return this.byte(number);
    if (number < 0 && number >= -32) return this.byte(number + 256);
    const [lead, width] = number >= 0 ? unsigned(number) : signed(number);
    this.byte(lead);
    const at = this.room(width);
    if (width === 1) this.view.setInt8(at, number);
    else if (width === 2) this.view.setInt16(at, number);
    else if (width === 4) this.view.setInt32(at, number);
    else this.view.setBigInt64(at, BigInt(number));
  }

  integer(integer, path) {
    if (Number.isSafeInteger(Number(integer))) return this.number(Number(integer));
    if (integer !== BigInt.asIntN(64, integer) && integer !== BigInt.asUintN(64, integer)) {
      throw new RangeError(`${place(path)} is ${integer}, which has more than 64 bits`);
    }
    this.byte(integer >= 0n ? 0xcf : 0xd3);
    const at = this.room(8);
    this.view.setBigInt64(at, integer);
  }

  text(text, path) {
    const bytes = utf8.encode(this.whole(text, path));
    this.head(bytes.length, 32, 0xa0, 0xd9, [1, 2, 4]);
    this.raw(bytes);
  }

  raw(bytes) {
    const at = this.room(bytes.length);
    this.bytes.set(bytes, at);
  }

  object(value, path, depth) {
    if (value === null) return this.byte(0xc0);
    if (value instanceof Date) return this.time(value, path);
    if (value instanceof ArrayBuffer) value = new Uint8Array(value);
    if (value instanceof Uint8Array) {
      this.head(value.length, 0, 0, 0xc4, [1, 2, 4]);
      return this.raw(value);
    }
    if (depth >= DEPTH_MAX) throw new TypeError(`${place(path)} is nested too deep, or contains itself; a message has at most ${DEPTH_MAX} levels`);
    if (Array.isArray(value)) {
      this.head(value.length, 16, 0x90, 0xdc, [2, 4]);
      for (let index = 0; index < value.length; index++) {
        const at = `${path}[${index}]`;
        if (!(index in value)) throw new TypeError(`${place(at)} is a hole in the array; send \`null\``);
        this.value(value[index], at, depth + 1);
      }
      return;
    }
    if (value instanceof Map) return this.entries([...value], path, depth);
    if (typeof value.toJSON === "function") return this.value(value.toJSON(), path, depth + 1);
    const entries = Object.entries(value);
    if (!isRecord(value, entries)) {
      throw new TypeError(`${place(path)} is a \`${Object.getPrototypeOf(value).constructor?.name}\`, which cannot be sent`);
    }
    this.entries(entries, path, depth);
  }

  entries(entries, path, depth) {
    this.head(entries.length, 16, 0x80, 0xde, [2, 4]);
    for (const [name, value] of entries) {
      if (typeof name !== "string") throw new TypeError(`${place(path)} is a \`Map\` with a key that is not text`);
      const at = path ? `${path}.${name}` : name;
      this.text(name, at);
      this.value(value, at, depth + 1);
    }
  }

  time(time, path) {
    const parts = partsOf(time);
    if (!parts) throw new TypeError(`${place(path)} is an invalid \`Date\``);
    const { seconds, nanoseconds } = parts;
    if (seconds >= 0 && seconds < 2 ** 32 && nanoseconds === 0) {
      this.byte(0xd6);
      this.byte(0xff);
      const at = this.room(4);
      this.view.setUint32(at, seconds);
    } else if (seconds >= 0 && seconds < 2 ** 34) {
      this.byte(0xd7);
      this.byte(0xff);
      const at = this.room(8);
      this.view.setUint32(at, nanoseconds * 4 + Math.floor(seconds / 2 ** 32));
      this.view.setUint32(at + 4, seconds % 2 ** 32);
    } else {
      this.byte(0xc7);
      this.byte(12);
      this.byte(0xff);
      const at = this.room(12);
      this.view.setUint32(at, nanoseconds);
      this.view.setBigInt64(at + 4, BigInt(seconds));
    }
  }
}

function unsigned(number) {
  if (number < 2 ** 8) return [0xcc, 1];
  if (number < 2 ** 16) return [0xcd, 2];
  return number < 2 ** 32 ? [0xce, 4] : [0xcf, 8];
}

function signed(number) {
  if (number >= -(2 ** 7)) return [0xd0, 1];
  if (number >= -(2 ** 15)) return [0xd1, 2];
  return number >= -(2 ** 31) ? [0xd2, 4] : [0xd3, 8];
}

/** Whether an object is one with fields: of no class, or of one whose fields can be seen, as `JSON.stringify` has it. */
function isRecord(value, entries) {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return true;
  return entries.length > 0 && Object.prototype.toString.call(value) === "[object Object]";
}

function wholeText(text, path) {
  if (utf8.isWhole(text)) return text;
  throw new TypeError(`the text of ${place(path)} has half of a character, a surrogate without its other half`);
}

function place(path) {
  if (!path) return "the value";
  return path.length > PATH_MAX ? `\`${path.slice(0, PATH_MAX)}..\`` : `\`${path}\``;
}
