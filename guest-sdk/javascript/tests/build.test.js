// The build, with the tools of the folder that `AKSARA_NODE_MODULES` names.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const TOOLS = process.env.AKSARA_NODE_MODULES;
const skip = TOOLS ? false : "`AKSARA_NODE_MODULES` does not say where the tools are";

/** Builds a plugin of these files; what the build says when it fails, and the component. */
function build(files) {
  const folder = mkdtempSync(path.join(tmpdir(), "aksara-test-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
    const output = path.join(folder, "made.wasm");
    const { stderr, status } = spawnSync("node", [path.join(HERE, "../build/main.mjs"), folder, "-o", output], { encoding: "utf8" });
    return { stderr, component: status === 0 ? readFileSync(output, "latin1") : undefined };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const manifest = (more) => JSON.stringify({ name: "made", version: "1.0.0", main: "index.ts", type: "module", ...more });

test("the types are what the SDK has", { skip }, () => {
  execFileSync(path.join(TOOLS, ".bin/tsc"), ["-p", HERE], { encoding: "utf8" });
});

test("a plugin in TypeScript imports what it uses and nothing else", { skip }, () => {
  const index = `
    import { log, preSave } from "aksara";
    interface Post { title: string }
    preSave<Post>("Post", async ({ instance }) => log.info(instance.title));
  `;
  const { component, stderr } = build({ "package.json": manifest(), "index.ts": index });
  assert.equal(stderr, "");
  assert.ok(component.includes("aksara:signals/handler@0.1.0") && component.includes("aksara:signals/log@0.1.0"));
  for (const other of ["models", "bus", "services", "config"]) assert.ok(!component.includes(`aksara:signals/${other}@`));
  assert.ok(!component.includes("keyvalue") && !component.includes("wasi:http"));
});

test("a cache is imported by what uses one", { skip }, () => {
  const index = 'import { cache, preSave } from "aksara"; preSave("Post", () => cache.set("key", "text"), { name: "keep" });';
  const { component } = build({ "package.json": manifest({ aksara: { grants: { keyvalue: ["cache"] } } }), "index.ts": index });
  assert.ok(component.includes("wasi:keyvalue/store@0.2.0-draft"));
});

test("HTTP is imported by what sends requests", { skip }, () => {
  const index = 'import { afterCommit, fetch } from "aksara"; afterCommit("Post", () => fetch("http://example.com"), { name: "tell" });';
  const { component } = build({ "package.json": manifest({ aksara: { grants: { http: ["example.com:80"] } } }), "index.ts": index });
  assert.ok(component.includes("wasi:http/outgoing-handler@0.2.0"));
});

test("what is wrong is said with its place", { skip }, () => {
  assert.match(build({}).stderr, /error: `.*package\.json` cannot be read/);
  assert.match(build({ "package.json": manifest({ name: "@me/made" }) }).stderr, /is `@me\/made`; use letters, digits, `-` and `_`/);
  assert.match(build({ "package.json": manifest({ aksara: { grants: { model: {} } } }) }).stderr, /no grants called `model`/);
  assert.match(build({ "package.json": manifest(), "index.ts": "let x = ;" }).stderr, /index\.ts:1: /);
  assert.match(build({ "package.json": manifest(), "index.ts": 'import "none";' }).stderr, /index\.ts:1: .*none/);
});
