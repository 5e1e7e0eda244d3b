// Checks a plain script, and makes of it what can be run: imports of "aksara" become names, and `async` functions become
// generators, since a handler has to be done when its call ends (see `src/guest/promise.js`). Lines stay where they are.

import { parse } from "acorn";

/** The script as it is run. Throws an error with `line` and `message` for what is wrong with it. */
export function prepare(text) {
  const program = parsed(text);
  const edits = [];
  visit(program, text, edits);
  edits.sort((one, other) => one.start - other.start);
  let made = "";
  let at = 0;
  for (const { start, end, put } of edits) {
    made += text.slice(at, start) + put;
    // What is replaced leaves its lines behind.
    made += text.slice(start, end).replace(/[^\n]+/g, "");
    at = end;
  }
  return made + text.slice(at);
}

function parsed(text) {
  const options = { ecmaVersion: "latest", sourceType: "module", preserveParens: true, locations: true };
  try {
    return parse(text, { ...options, allowAwaitOutsideFunction: false });
  } catch (error) {
    throw wrong(error.loc?.line ?? 1, error.message.replace(/ \(\d+:\d+\)$/, ""));
  }
}

function wrong(line, message) {
  return Object.assign(new SyntaxError(message), { line });
}

/** Collects what is to be changed in a node, those inside of it first: what ends at one place then is in order. */
function visit(node, text, edits) {
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (typeof child?.type === "string") visit(child, text, edits);
  }
  const put = (start, end, put) => edits.push({ start, end, put });
  switch (node.type) {
    case "ImportDeclaration":
      return put(node.start, node.end, imported(node));
    case "ExportNamedDeclaration":
      if (!node.declaration) throw wrong(node.loc.start.line, "a plain script exports nothing; connect its handlers");
      return put(node.start, node.declaration.start, "");
    case "ExportDefaultDeclaration":
    case "ExportAllDeclaration":
      throw wrong(node.loc.start.line, "a plain script exports nothing; connect its handlers");
    case "ForOfStatement":
      if (node.await) throw wrong(node.loc.start.line, "`for await` needs a build; write a loop with `await` in it");
      return;
    case "AwaitExpression":
      put(node.start, node.argument.start, "(yield(");
      return put(node.end, node.end, "))");
    case "ArrowFunctionExpression":
      return node.async ? arrow(node, put) : undefined;
    case "FunctionDeclaration":
    case "FunctionExpression":
      if (!node.async) return;
      if (node.generator) throw wrong(node.loc.start.line, "an `async` generator needs a build");
      return fun(node, text, put);
    case "MethodDefinition":
    case "Property":
      // The word is before the name; the function begins after it.
      if (node.value?.async && text[node.value.start] === "(") put(...word(node, text), "");
  }
}

const HEAD = "return __async(this,$,function*";

function fun(node, text, put) {
  const open = text.indexOf("(", node.id?.end ?? node.start);
  const isMethod = open === node.start;
  put(node.start, open, isMethod ? `(...$){${HEAD}` : `function ${node.id?.name ?? ""}(...$){${HEAD}`);
  put(node.end, node.end, ")}");
}

function arrow(node, put) {
  const head = "(...$)=>__async(this,$,function*(";
  const body = node.body.type === "BlockStatement" ? [")", ")"] : ["){return", "})"];
  const first = node.params[0];
  if (first) {
    put(node.start, first.start, head);
    put(node.params.at(-1).end, node.body.start, `${body[0]} `);
  } else {
    put(node.start, node.body.start, `${head}${body[0]} `);
  }
  put(node.end, node.end, body[1]);
}

/** Where the word `async` of a method is. */
function word(node, text) {
  const start = text.indexOf("async", node.start);
  return [start, start + "async".length];
}

function imported({ source, specifiers, loc }) {
  if (source.value !== "aksara") {
    throw wrong(loc.start.line, `a plain script imports nothing but "aksara", found "${source.value}"; build it to bundle others`);
  }
  const names = specifiers.map((it) => {
    if (it.type === "ImportNamespaceSpecifier") return `...${it.local.name}`;
    if (it.type === "ImportDefaultSpecifier") throw wrong(loc.start.line, '"aksara" has no default export; name what you need');
    return it.imported.name === it.local.name ? it.local.name : `${it.imported.name}: ${it.local.name}`;
  });
  return `const { ${names.join(", ")} } = __aksara;`;
}
