// The document that commands put into a field, or send.

export const FIELDS = ["integer", "float", "boolean", "text", "bytes", "time", "date", "uuid", "decimal", "json"];

export function documentOf(it) {
  const fields = Object.fromEntries(FIELDS.map((field) => [field, it[field]]));
  return { fields, list: [it.uuid, it.time, it.bytes] };
}
