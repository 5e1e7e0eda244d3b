// A component of a bundle, which imports what the bundle does and nothing else.

import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { BuildError, tool } from "./build.mjs";
import { limitStack } from "./stack.mjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));

/** The component's bytes. */
export async function componentize(code, { wit, isRunner = false }) {
  const scratch = await mkdtemp(path.join(tmpdir(), "aksara-"));
  try {
    const imports = new Set([...code.matchAll(/ from "((?:aksara|wasi):[^"]+)"/g)].map(([, name]) => name));
    await writeWit(scratch, wit ?? (await ownWit()), imports, isRunner);
    const jsPath = path.join(scratch, "plugin.js");
    const jsSource = hostNames(code);
    await writeFile(jsPath, jsSource);
    const { component } = await tool("componentize-qjs").componentize({
      witPath: scratch,
      world: "built",
      jsSource,
      jsPath,
      stubWasi: true,
      sync: true,
    });
    const limited = limitStack(restoreWasi(component));
    if (!limited) throw new BuildError("the engine does not keep the limit of its stack where this version of componentize-qjs does");
    return limited;
  } catch (error) {
    if (error instanceof BuildError) throw error;
    throw new BuildError(String(error.message ?? error));
  } finally {
    await rm(scratch, { recursive: true });
  }
}

async function ownWit() {
  for (const folder of [path.join(HERE, "../wit/v0"), path.join(HERE, "../../../wit/v0")]) {
    if (await stat(folder).catch(() => null)) return folder;
  }
  throw new BuildError("the WIT of the contract is not there; name its folder with `--wit`");
}

/** The contract as dependencies, and a world of what the bundle imports. A runner also prepares scripts. */
async function writeWit(folder, source, imports, isRunner) {
  const deps = path.join(folder, "deps");
  await cp(path.join(source, "deps"), deps, { recursive: true });
  await cp(path.join(source, "signals.wit"), path.join(deps, "signals/signals.wit"));
  const lines = [...imports].sort().map((name) => `    import ${name};`);
  lines.push("    export aksara:signals/handler@0.1.0;");
  if (isRunner) {
    await cp(path.join(source, "../runner"), path.join(deps, "runner"), { recursive: true });
    lines.push("    export aksara:runner/script@0.1.0;");
  }
  await writeFile(path.join(folder, "built.wit"), `package aksara:built;\n\nworld built {\n${lines.join("\n")}\n}\n`);
  for (const entry of await readdir(folder, { recursive: true })) {
    const file = path.join(folder, entry);
    if (file.endsWith(".wit")) await writeFile(file, hostNames(await readFile(file, "utf8")));
  }
}

/** The interfaces of WASI under another name: `stubWasi` would replace them as well. */
function hostNames(text) {
  return text.replace(/\bwasi:(?=[a-z]+[/@])/g, "host:");
}

const IMPORTS = 10;

/** Gives the component's imports their names back, which have the same length. */
function restoreWasi(component) {
  const made = Uint8Array.from(component);
  const number = (at) => {
    let value = 0;
    for (let shift = 0; ; shift += 7, at++) {
      value += (made[at] & 127) * 2 ** shift;
      if (made[at] < 128) return [value, at + 1];
    }
  };
  for (let at = 8; at < made.length; ) {
    const [size, begin] = number(at + 1);
    if (made[at] === IMPORTS) {
      const section = Buffer.from(made.buffer, begin, size);
      for (let found; (found = section.indexOf("host:")) >= 0; ) section.write("wasi:", found);
    }
    at = begin + size;
  }
  return made;
}
