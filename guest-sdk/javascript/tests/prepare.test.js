// Plain scripts: what they become, and what is refused. Needs the tools of the build.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { tool } from "../build/build.mjs";

const tools = process.env.AKSARA_NODE_MODULES;

/** The module, with the parser that it imports. */
async function load() {
  const outfile = path.join(await mkdtemp(path.join(tmpdir(), "aksara-")), "prepare.mjs");
  await tool("esbuild").build({
    entryPoints: [fileURLToPath(new URL("../runner/prepare.js", import.meta.url))],
    bundle: true,
    outfile,
    format: "esm",
    nodePaths: [tools],
  });
  try {
    return await import(outfile);
  } finally {
    await rm(path.dirname(outfile), { recursive: true });
  }
}

/** As in the runner, with the language's own promises. */
globalThis[Symbol.for("aksara")] = { sdk: { preSave: 1, models: 2 }, run };

function run(self, args, generator) {
  const running = generator.apply(self, args);
  const step = (how, value) => {
    const result = running[how](value);
    if (result.done) return result.value;
    return Promise.resolve(result.value).then(
      (value) => step("next", value),
      (error) => step("throw", error),
    );
  };
  return (async () => step("next"))();
}

const NAMES = ["preSave", "models"];

test("`async` functions of every kind do the same as before", { skip: !tools }, async () => {
  const { prepare } = await load();
  const cases = [
    ["async () => 1", [], 1],
    ["async (a, b = a) => a + b", [2], 4],
    ["async a => { const b = await a; return b * 2 }", [3], 6],
    ["async () =>\n  await 4", [], 4],
    ["async ({ a }, ...rest) => [a, ...rest].length", [{ a: 1 }, 2, 3], 3],
    ["async function (a) { return (await a) + arguments.length }", [5], 6],
    ["async function named(a) { return a > 0 ? a + await named(a - 1) : 0 }", [3], 6],
    ["({ async of(a) { return this.add + await a }, add: 1 }).of.bind({ add: 2 })", [1], 3],
    ["(() => { const $ = 5; return async () => $ })()", [], 5],
    ["async () => ({ a: await 1 }).a", [], 1],
    ["async () => { let sum = 0; for (const a of [1, 2]) sum += await a; return sum }", [], 3],
    ["async () => { try { await Promise.reject(new Error('x')) } catch (e) { return e.message } }", [], "x"],
    ["async () => (await Promise.all([1, 2].map(async (a) => a + await a))).join()", [], "2,4"],
    ["async () => (await 2) ** (await 3)", [], 8],
    ["(() => { class A { static async of(a) { return a + await 1 } } return A.of })()", [1], 2],
  ];
  for (const [source, args, expected] of cases) {
    const made = prepare(`const made = ${source};`, NAMES);
    assert.doesNotMatch(made, /\basync\b|\bawait\b/, source);
    assert.equal(made.split("\n").length, source.split("\n").length, source);
    const called = new Function(`"use strict"; ${made} return made;`)();
    assert.equal(await called(...args), expected, `${source} became ${made}`);
  }
});

test("imports become names, and lines stay where they are", { skip: !tools }, async () => {
  const { prepare } = await load();
  const text = 'import {\n  preSave,\n  models as rows,\n} from "aksara";\nexport const a = 1;\n';
  const made = prepare(text, NAMES);
  assert.equal(made.split("\n").length, text.split("\n").length);
  assert.equal(new Function(`${made} return [preSave, rows, a];`)().join(), "1,2,1");
});

test("what a plain script cannot have is named, with its line", { skip: !tools }, async () => {
  const { prepare } = await load();
  const cases = [
    ["\nimport fs from 'fs';", 2, /imports nothing but "aksara", found "fs"/],
    ['import aksara from "aksara";', 1, /no default export/],
    ["export default 1;", 1, /exports nothing/],
    ["\n\nawait 1;", 3, /outside of any `async` function/],
    ["const a = () => await 1;", 1, /await/],
    ["async function* a() {}", 1, /an `async` generator/],
    ["async () => { for await (const a of []); }", 1, /`for await`/],
    ["function a() { return async () => arguments; }", 1, /`arguments` in an `async` arrow/],
    ["class A extends Map { async a() {\n super.get(1) } }", 2, /`super` in an `async` function/],
    ["const = 1;", 1, /Unexpected token/],
    ['\nimport { nothing } from "aksara";', 2, /"aksara" has no `nothing`/],
    ["\n\nconst fs = () => import('fs');", 3, /imports nothing but "aksara", at its beginning/],
    ["import.meta.url;", 1, /no `import.meta`/],
    ["function a() { return async () => new.target; }", 1, /`new.target` in an `async` arrow/],
    ["let x = 1;\nx <!--x;", 2, /`<!--` begins no comment/],
    ["\narguments;", 2, /`arguments` stands outside of any function/],
  ];
  for (const [source, line, message] of cases) {
    assert.throws(() => prepare(source, NAMES), (error) => error.line === line && message.test(error.message), source);
  }
});
