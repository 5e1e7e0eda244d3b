// What a handler says against an operation.

/** The operation is refused: whoever asked for it sees this message. */
export class Rejected extends Error {
  name = "Rejected";
}

/** Fields are not valid: whoever saves sees these messages, by field. */
export class Invalid extends Error {
  name = "Invalid";

  constructor(fields) {
    const messages = Object.entries(fields).map(([field, messages]) => [field, [messages].flat().map(String)]);
    super(messages.map(([field, messages]) => `${field}: ${messages.join(", ")}`).join("; "));
    this.fields = Object.fromEntries(messages);
  }
}

/** The host refused a request: a grant is missing, or something was not found or does not fit. */
export class RequestError extends Error {
  name = "RequestError";

  constructor(message, violation = null) {
    super(message);
    this.violation = violation;
  }
}

/** Refuses the operation with this message. */
export function reject(message) {
  throw new Rejected(message);
}

/** Refuses the operation for fields that are not valid: `invalid("slug", "is taken")`, `invalid({ slug: [".."] })`. */
export function invalid(fields, ...messages) {
  throw new Invalid(typeof fields === "string" ? { [fields]: messages } : fields);
}
