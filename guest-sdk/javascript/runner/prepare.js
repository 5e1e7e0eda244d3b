// Checks a plain script, and makes of it what can be run: imports of "aksara" become names, and `async` functions become
// generators, since a handler has to be done when its call ends (see `src/guest/promise.js`). What is changed is found by a
// parser, never by its text. Lines stay where they are.

import { getLineInfo, parse } from "acorn";
import { asyncArrow, asyncFunction, asyncMethod, awaited } from "./async.js";

/** The script as it is run. `exported`: the names of the SDK. Throws an error with `line` and `message` for what is wrong. */
export function prepare(text, exported) {
  const program = parsed(text);
  const edits = [];
  // A name that the script does not have.
  let own = "__aksara";
  while (text.includes(own)) own += "_";
  const script = { text, own, exported, imports: [], put: (start, end, put) => edits.push({ start, end, put }) };
  if (text.startsWith("#!")) script.put(0, 2, "//");
  visit(program, { isList: true }, script);
  const made = applied(text, edits);
  return `const ${own} = globalThis[Symbol.for("aksara")];${script.imports.join("")}${made}`;
}

function applied(text, edits) {
  // Edits at one place stay in the order that they were made in: those inside of a node are made first.
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
  const options = { ecmaVersion: "latest", sourceType: "module", preserveParens: true };
  if (text.includes("<!--")) {
    options.onToken = ({ start, value }) => {
      // As engines have it: a comment elsewhere, and nothing in a module.
      if (value === "<" && text.startsWith("<!--", start)) throw wrong(text, start, "`<!--` begins no comment in a module");
    };
  }
  try {
    return parse(text, options);
  } catch (error) {
    if (error.line) throw error;
    throw wrong(text, error.pos ?? 0, error.message.replace(/ \(\d+:\d+\)$/, ""));
  }
}

function wrong(text, at, message) {
  return Object.assign(new SyntaxError(message), { line: getLineInfo(text, at).line });
}

/**
 * Collects what is to be changed in a node, those inside of it first: what ends at one place then is in order.
 *
 * `scope.waits`: the function around it is `async`. `scope.isFunction`: there is a function around it that is not an arrow function.
 * `scope.withoutArguments`, `scope.withoutSuper`: it goes into a generator that does not have those of the code around it.
 * `scope.first`: where a statement of a list begins, and with it maybe the node.
 */
function visit(node, scope, script) {
  for (const [name, value] of Object.entries(node)) {
    // A name that is none of a variable's.
    if (!node.computed && ((node.type === "MemberExpression" && name === "property") || (name === "key" && !node.shorthand))) continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string") visit(child, inside(node, name, child, scope), script);
    }
  }
  change(node, scope, script);
}

function change(node, scope, script) {
  const refuse = (message) => {
    throw wrong(script.text, node.start, message);
  };
  // What begins a statement with a parenthesis would go on with a line before it that ends without a semicolon.
  const guard = node.start === scope.first ? ";" : "";
  switch (node.type) {
    case "ImportDeclaration":
      script.imports.push(imported(node, script));
      return script.put(node.start, node.end, ";");
    case "ImportExpression":
      return refuse(`a plain script imports nothing but "aksara", at its beginning; build it to bundle others`);
    case "ExportNamedDeclaration":
      return node.declaration ? script.put(node.start, node.declaration.start, "") : refuse(NO_EXPORTS);
    case "ExportDefaultDeclaration":
    case "ExportAllDeclaration":
      return refuse(NO_EXPORTS);
    case "ForOfStatement":
      return node.await ? refuse("`for await` needs a build; write a loop with `await` in it") : undefined;
    case "AwaitExpression":
      if (!scope.waits) refuse("`await` stands outside of any `async` function");
      return awaited(node, guard, script);
    case "Super":
      return scope.withoutSuper ? refuse("`super` in an `async` function needs a build") : undefined;
    case "MetaProperty":
      if (node.meta.name === "import") refuse("a plain script is no module, and has no `import.meta`");
      return scope.withoutArguments ? refuse("`new.target` in an `async` arrow needs a build") : undefined;
    case "Identifier":
      if (node.name !== "arguments") return undefined;
      if (!scope.isFunction) refuse("`arguments` stands outside of any function");
      return scope.withoutArguments ? refuse("`arguments` in an `async` arrow needs a build") : undefined;
    case "ArrowFunctionExpression":
      return node.async ? asyncArrow(node, guard, script) : undefined;
    case "FunctionDeclaration":
    case "FunctionExpression":
      if (node.async && node.generator) refuse("an `async` generator needs a build");
      return node.async ? asyncFunction(node, script) : undefined;
    case "MethodDefinition":
    case "Property":
      return isAsyncMethod(node) ? asyncMethod(node, script) : undefined;
  }
}

function isAsyncMethod(node) {
  return (node.type === "MethodDefinition" || node.method) && node.value.async;
}

const NO_EXPORTS = "a plain script exports nothing; connect its handlers";

const LISTS = ["Program", "BlockStatement", "StaticBlock", "SwitchCase"];

/** What holds for a child of a node. */
function inside(node, name, child, scope) {
  const isStatement = LISTS.includes(node.type) && (name === "body" || name === "consequent");
  const first = isStatement && child.type === "ExpressionStatement" ? child.start : isStatement ? undefined : scope.first;
  switch (node.type) {
    case "ArrowFunctionExpression":
      return {
        waits: node.async,
        isFunction: scope.isFunction,
        withoutArguments: scope.withoutArguments || node.async,
        withoutSuper: scope.withoutSuper || node.async,
        first,
      };
    case "FunctionDeclaration":
    case "FunctionExpression":
      return { waits: node.async, isFunction: true, withoutArguments: false, withoutSuper: node.async, first };
    case "PropertyDefinition":
      return name === "value" ? { first: undefined } : { ...scope, first };
    case "StaticBlock":
      return { first };
    default:
      return { ...scope, first };
  }
}

function imported({ source, specifiers, start }, { text, own, exported }) {
  const refuse = (message) => {
    throw wrong(text, start, message);
  };
  if (source.value !== "aksara") {
    refuse(`a plain script imports nothing but "aksara", found "${source.value}"; build it to bundle others`);
  }
  const names = specifiers.map((it) => {
    if (it.type === "ImportNamespaceSpecifier") return `...${it.local.name}`;
    if (it.type === "ImportDefaultSpecifier") refuse('"aksara" has no default export; name what you need');
    const name = it.imported.name ?? it.imported.value;
    if (!exported.includes(name)) refuse(`"aksara" has no \`${name}\``);
    return `${JSON.stringify(name)}: ${it.local.name}`;
  });
  return `const { ${names.join(", ")} } = ${own}.sdk;`;
}
