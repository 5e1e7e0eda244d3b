// The limit of the engine's stack. The engine checks for one, and throws a `RangeError`; built for WASI, it sets none, and
// recursion without end would be a trap that no handler can catch. A component holds the memory of the engine as it was
// once the plugin had run: the limit is put there.

/** The stack is from here down to 0. */
const STACK_TOP = 2 ** 20;
/**
 * How low it may get: some 2,000 calls deep. What is left is for what runs between two checks. WebAssembly's own stack, of
 * which the host gives 16 MiB, lasts longer: 512 KiB here take less than 12 MiB there.
 */
const STACK_LIMIT = STACK_TOP / 2;
/** As far below the top of the stack as the engine was started. */
const STARTED_WITHIN = 2 ** 13;

const COMPONENTS = { module: 1, component: 4 };
const MODULES = { data: 11, dataCount: 12 };

/** The component with a limit; `undefined` where it is not clear where the engine keeps it. */
export function limitStack(component) {
  let found = 0;
  const made = modulesChanged(component, (module) => {
    const places = limitsIn(module);
    found += places.length;
    return places.length === 1 ? withWord(module, places[0], STACK_LIMIT) : module;
  });
  return found === 1 ? made : undefined;
}

function* sections(bytes) {
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at];
    const [size, begin] = number(bytes, at + 1);
    yield { id, body: bytes.subarray(begin, begin + size) };
    at = begin + size;
  }
}

function joined(head, parts) {
  return Buffer.concat([head, ...parts.flatMap(({ id, body }) => [Uint8Array.of(id), encoded(body.length), body])]);
}

function modulesChanged(component, change) {
  const parts = [...sections(component)].map(({ id, body }) => {
    if (id === COMPONENTS.module) return { id, body: change(body) };
    return { id, body: id === COMPONENTS.component ? modulesChanged(body, change) : body };
  });
  return joined(component.subarray(0, 8), parts);
}

/** The addresses at which a memory has the limit: behind it is the exception under way, of which there is none (tag 4). */
function limitsIn(module) {
  const data = [...sections(module)].find(({ id }) => id === MODULES.data)?.body;
  if (!data) return [];
  const memory = memoryOf(data);
  const word = (at) => memory.getUint32(at, true);
  const found = [];
  for (let at = STACK_TOP; at + 20 <= memory.byteLength; at += 4) {
    const [size, top, limit, payload, tag] = [0, 4, 8, 12, 16].map((offset) => word(at + offset));
    const isTop = top < STACK_TOP && top >= STACK_TOP - STARTED_WITHIN;
    if (isTop && size === 0 && limit === 0 && payload === 0 && tag === 4) found.push(at + 8);
  }
  return found;
}

/** The memory that the active segments of a section of data make. */
function memoryOf(data) {
  let [count, at] = number(data, 0);
  const segments = [];
  for (; count > 0; count--) {
    if (data[at] !== 0 || data[at + 1] !== 0x41) return new DataView(new ArrayBuffer(0));
    const [offset, end] = number(data, at + 2);
    const [length, begin] = number(data, end + 1);
    segments.push({ offset, bytes: data.subarray(begin, begin + length) });
    at = begin + length;
  }
  const size = Math.max(0, ...segments.map(({ offset, bytes }) => offset + bytes.length));
  const memory = new Uint8Array(size);
  for (const { offset, bytes } of segments) memory.set(bytes, offset);
  return new DataView(memory.buffer);
}

/** The module with one segment of data more, which is written last. */
function withWord(module, address, value) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  const parts = [...sections(module)].map(({ id, body }) => {
    if (id !== MODULES.data && id !== MODULES.dataCount) return { id, body };
    const [count, begin] = number(body, 0);
    const segment = Buffer.concat([Uint8Array.of(0, 0x41), encoded(address, true), Uint8Array.of(0x0b, 4), bytes]);
    const more = id === MODULES.data ? segment : new Uint8Array(0);
    return { id, body: Buffer.concat([encoded(count + 1), body.subarray(begin), more]) };
  });
  return joined(module.subarray(0, 8), parts);
}

/** A number in LEB128, and where it ends. None here is negative. */
function number(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7, at++) {
    value += (bytes[at] & 127) * 2 ** shift;
    if (bytes[at] < 128) return [value, at + 1];
  }
}

/** A number in LEB128; with a sign, the last byte has a bit to spare for it. */
function encoded(value, isSigned = false) {
  const bytes = [];
  for (; value >= (isSigned ? 64 : 128); value = Math.floor(value / 128)) bytes.push((value & 127) | 128);
  return Uint8Array.of(...bytes, value);
}
