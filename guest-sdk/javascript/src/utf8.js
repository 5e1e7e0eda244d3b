// UTF-8, which the engine in a plugin has no encoder for.

/** Whether each surrogate in a text has its other half. */
export function isWhole(text) {
  return text.isWellFormed();
}

/** The bytes of a text. A surrogate without its other half becomes U+FFFD. */
export function encode(text) {
  const bytes = new Uint8Array(text.length * 3);
  return bytes.slice(0, write(text, bytes, 0));
}

/** Writes a text into bytes that have room for three times its length; where it ends. */
export function write(text, bytes, at) {
  for (let index = 0; index < text.length; index++) {
    let code = text.charCodeAt(index);
    if (code < 0x80) {
      bytes[at++] = code;
      continue;
    }
    if (code >= 0xd800 && code < 0xe000) {
      const next = code < 0xdc00 ? text.charCodeAt(index + 1) : 0;
      const isPair = next >= 0xdc00 && next < 0xe000;
      code = isPair ? 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00) : 0xfffd;
      if (isPair) index++;
    }
    if (code < 0x800) {
      bytes[at++] = 0xc0 | (code >> 6);
    } else if (code < 0x10000) {
      bytes[at++] = 0xe0 | (code >> 12);
      bytes[at++] = 0x80 | ((code >> 6) & 63);
    } else {
      bytes[at++] = 0xf0 | (code >> 18);
      bytes[at++] = 0x80 | ((code >> 12) & 63);
      bytes[at++] = 0x80 | ((code >> 6) & 63);
    }
    bytes[at++] = 0x80 | (code & 63);
  }
  return at;
}

/** As many arguments as a call surely takes. */
const PIECE = 8192;

/** The text that these bytes are. Throws a `TypeError` when they are none. */
export function decode(bytes, at = 0, end = bytes.length) {
  // The engine is an interpreter: what goes over each byte is left to its own functions, which are compiled.
  let text = "";
  for (; at < end; at += PIECE) text += String.fromCharCode.apply(null, bytes.subarray(at, Math.min(at + PIECE, end)));
  if (!/[\x80-\xff]/.test(text)) return text;
  try {
    return decodeURIComponent(escape(text));
  } catch {
    throw new TypeError("the text is no UTF-8");
  }
}
