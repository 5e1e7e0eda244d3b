// Builds a plugin: `node main.mjs FOLDER -o FILE`; or the component that runs plain scripts: `node main.mjs --runner -o FILE`.

import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { BuildError, buildPlugin, buildRunner } from "./build.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { output: { type: "string", short: "o" }, runner: { type: "boolean" }, wit: { type: "string" } },
});
try {
  if (!values.output || positionals.length !== (values.runner ? 0 : 1)) {
    throw new BuildError("usage: node main.mjs (FOLDER | --runner) -o FILE [--wit FOLDER]");
  }
  const component = values.runner ? await buildRunner(values.wit) : await buildPlugin(positionals[0], values.wit);
  await writeFile(values.output, component);
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
