// From a folder with a `package.json` to a component: the author's modules and the SDK in one bundle, and that with the
// engine in a component, as it is once all modules have run.

import { readFile } from "node:fs/promises";
import { createRequire, SourceMap } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { componentize } from "./component.mjs";

const SDK = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** Why a plugin cannot be built, for its author. */
export class BuildError extends Error {}

/** A tool of the folder that `AKSARA_NODE_MODULES` names, or of this package's own dependencies. */
export function tool(name) {
  const folder = process.env.AKSARA_NODE_MODULES;
  try {
    return createRequire(folder ? path.join(folder, "any.js") : import.meta.url)(name);
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    throw new BuildError(`\`${name}\` is not installed; run \`npm install\` in the folder of the plugin`);
  }
}

/** The component of the plugin in a folder. */
export async function buildPlugin(folder, wit) {
  const root = path.resolve(folder);
  const manifest = await readManifest(root);
  const about = { name: manifest.name, version: manifest.version ?? "0.0.0", grants: manifest.aksara?.grants ?? {} };
  const entry = `
    import "${SDK}/src/guest/globals.js";
    import { plugin } from "aksara";
    import { handler, showTraces } from "${SDK}/src/guest/component.js";
    import { byTable } from "${SDK}/src/guest/sources.js";
    import "./${manifest.main ?? "index.js"}";
    plugin(${JSON.stringify(about)});
    showTraces((stack) => byTable(globalThis.__aksaraSources)(stack));
    export { handler };
  `;
  const { code, map } = await bundle(entry, root);
  return componentize(`${code}\n;globalThis.__aksaraSources = ${JSON.stringify(sources(map, root))};\n`, { wit });
}

/** The component that runs plain scripts. */
export function buildRunner(wit) {
  const entry = `export * from "${SDK}/runner/runner.js";`;
  return bundle(entry, SDK).then(({ code }) => componentize(code, { wit, isRunner: true }));
}

async function readManifest(root) {
  const file = path.join(root, "package.json");
  let manifest;
  try {
    manifest = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new BuildError(`\`${file}\` cannot be read: ${error.message}`);
  }
  if (!/^[A-Za-z0-9_-]+$/.test(manifest.name ?? "")) {
    throw new BuildError(`the \`name\` in \`${file}\` is \`${manifest.name}\`; use letters, digits, \`-\` and \`_\``);
  }
  const known = ["models", "signals", "services", "keyvalue", "http"];
  const unknown = Object.keys(manifest.aksara?.grants ?? {}).find((kind) => !known.includes(kind));
  if (unknown) throw new BuildError(`there are no grants called \`${unknown}\`, only \`${known.join("`, `")}\``);
  return manifest;
}

async function bundle(entry, root) {
  try {
    const { outputFiles } = await tool("esbuild").build({
      stdin: { contents: entry, resolveDir: root, sourcefile: "entry.js" },
      absWorkingDir: root,
      outfile: path.join(root, "plugin.js"),
      bundle: true,
      write: false,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      conditions: ["aksara-guest"],
      alias: { aksara: path.join(SDK, "src/index.js") },
      nodePaths: process.env.AKSARA_NODE_MODULES ? [process.env.AKSARA_NODE_MODULES] : [],
      external: ["aksara:*", "wasi:*"],
      target: "esnext",
      // The jobs of the engine's own promises cannot be run within a call: see `src/guest/promise.js`.
      supported: { "async-await": false, "async-generator": false, "for-await": false },
      sourcemap: "external",
      logLevel: "silent",
    });
    const text = (end) => outputFiles.find((file) => file.path.endsWith(end)).text;
    return { code: text("plugin.js"), map: JSON.parse(text(".map")) };
  } catch (error) {
    if (!error.errors) throw error;
    const lines = error.errors.map(({ text, location }) => (location ? `${location.file}:${location.line}: ${text}` : text));
    throw new BuildError(lines.join("\n"));
  }
}

/** Which line of the bundle is which of the author's: names of sources, and for a line the number of its source and line. */
function sources(map, root) {
  const own = map.sources.filter((source) => isOwn(source, root));
  const lines = {};
  const table = new SourceMap(map);
  const count = map.mappings.split(";").length;
  for (let line = 0; line < count; line++) {
    // A line begins with its indentation, which belongs to nothing.
    const entry = [0, 2, 4, 6, 8].map((column) => table.findEntry(line, column)).find((it) => it.generatedLine === line);
    const name = own.indexOf(entry?.originalSource);
    if (name >= 0) lines[line + 1] = [name, entry.originalLine + 1];
  }
  return { names: own, lines };
}

function isOwn(source, root) {
  const file = path.resolve(root, source);
  return source !== "entry.js" && !file.startsWith(path.join(SDK, "src"));
}
