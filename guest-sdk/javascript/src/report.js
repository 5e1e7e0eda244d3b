// What is said of an error that a handler did not catch: its message, its frames, and what caused it.

/** How many errors one report tells of: causes may go round in a circle. */
const ERRORS_MAX = 16;

/** How much is shown of what an error carries besides its message. */
const DETAILS_MAX = 1_000;

/** What an error has that is shown in other ways. */
const SHOWN = ["name", "message", "stack", "cause", "errors"];

/** The text for a thrown value of any kind. Never throws itself. */
export function report(thrown, trace = (stack) => stack) {
  const parts = [];
  const add = (error, label) => {
    if (parts.length >= ERRORS_MAX) return;
    parts.push(`${label}${headline(error)}${framesOf(error, trace)}`);
    if (!isObject(error)) return;
    const cause = attempt(() => error.cause);
    if (cause !== undefined) add(cause, "Caused by: ");
    const reasons = attempt(() => error.errors);
    if (Array.isArray(reasons)) reasons.forEach((reason, index) => add(reason, `Reason ${index + 1}: `));
  };
  add(thrown, "");
  return parts.join("\n");
}

function headline(error) {
  if (error === undefined || error === null) return `${error} was thrown, which says nothing; throw an \`Error\``;
  if (!isObject(error)) return String(error);
  const [name, message] = [attempt(() => error.name), attempt(() => error.message)];
  const said = typeof message === "string" ? message : "";
  const details = detailsOf(error);
  if (error instanceof Error) return `${name}: ${said}${details && ` ${details}`}`;
  // A thrown object that is not an `Error`, and may have a message all the same.
  const text = [typeof name === "string" ? `${name}: ${said}` : said, details].filter(Boolean).join(" ");
  return text || attempt(() => String(error)) || "an object without a text was thrown";
}

/** What an error carries besides, such as a code: `{"code":402}`. */
function detailsOf(error) {
  const text = attempt(() => {
    const entries = Object.entries(error).filter(([name, value]) => !SHOWN.includes(name) && value != null);
    const plain = (_, value) => (typeof value === "bigint" || typeof value === "symbol" ? String(value) : value);
    return entries.length > 0 ? JSON.stringify(Object.fromEntries(entries), plain) : "";
  });
  return (text ?? "").slice(0, DETAILS_MAX);
}

function framesOf(error, trace) {
  const frames = attempt(() => trace(String(error.stack ?? "")));
  // Engines differ in whether the message is a part of it.
  const at = (frames ?? "").search(/^\s*at /m);
  return at < 0 ? "" : `\n${frames.slice(at).trimEnd()}`;
}

function isObject(value) {
  return typeof value === "object" || typeof value === "function" ? value !== null : false;
}

/** What a function returns; `undefined` where it throws, as a getter of an error may. */
function attempt(read) {
  try {
    return read();
  } catch {
    return undefined;
  }
}
