// UTF-8, which the engine in a plugin has no encoder for.

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

/** The text that these bytes are. Throws a `TypeError` when they are none. */
export function decode(bytes, at = 0, end = bytes.length) {
  let text = "";
  let run = at;
  while (at < end) {
    const lead = bytes[at];
    if (lead < 0x80) {
      at++;
      // Runs of ASCII in one piece, short enough for the stack.
      if (at - run >= 4096 || at === end || bytes[at] >= 0x80) {
        text += String.fromCharCode.apply(null, bytes.subarray(run, at));
        run = at;
      }
      continue;
    }
    const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    let code = lead & (0xff >> (length + 1));
    for (let more = 1; more < length; more++) {
      if (at + more >= end || (bytes[at + more] & 0xc0) !== 0x80) throw new TypeError("the text is no UTF-8");
      code = (code << 6) | (bytes[at + more] & 63);
    }
    const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000;
    if (lead < 0xc2 || lead > 0xf4 || code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
      throw new TypeError("the text is no UTF-8");
    }
    text += String.fromCodePoint(code);
    at += length;
    run = at;
  }
  return text;
}
