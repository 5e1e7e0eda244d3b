// Runs each script of `same.js` in Node, as a module; prints what came of them as JSON: `[title, text, outcome]`.

import { readFileSync } from "node:fs";

const table = readFileSync(new URL("same.js", import.meta.url), "utf8");
const made = [];
for (const part of table.split(/^\/\/\/\/ /m).slice(1)) {
  const end = part.indexOf("\n");
  // The last line break separates it from the next.
  const [title, text] = [part.slice(0, end), part.slice(end + 1, -1)];
  let outcome;
  try {
    globalThis.result = undefined;
    await import(`data:text/javascript,${encodeURIComponent(text)}//${made.length}`);
    outcome = JSON.stringify(await globalThis.result);
  } catch (error) {
    outcome = error.name;
  }
  made.push([title, text, outcome]);
}
console.log(JSON.stringify(made));
