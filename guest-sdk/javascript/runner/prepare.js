// Checks a plain script, and makes of it what can be run: imports of "aksara" become names, and `async` functions become
// generators, since a handler has to be done when its call ends (see `src/guest/promise.js`). Lines stay where they are.

import { parse } from "acorn";

/** The script as it is run. Throws an error with `line` and `message` for what is wrong with it. */
export function prepare(text) {
  const program = parsed(text);
  const edits = [];
  visit(program, { waits: false }, text, edits);
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

/**
 * Collects what is to be changed in a node, those inside of it first: what ends at one place then is in order.
 *
 * `scope.waits`: the function around it is `async`. `scope.withoutArguments`, `scope.withoutSuper`: it goes into a
 * generator that does not have those of the code around it.
 */
function visit(node, scope, text, edits) {
  for (const [name, value] of Object.entries(node)) {
    // A name that is none of a variable's.
    if (!node.computed && ((node.type === "MemberExpression" && name === "property") || (name === "key" && !node.shorthand))) continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string") visit(child, inside(node, scope), text, edits);
    }
  }
  const put = (start, end, put) => edits.push({ start, end, put });
  const refuse = (message) => {
    throw wrong(node.loc.start.line, message);
  };
  switch (node.type) {
    case "ImportDeclaration":
      return put(node.start, node.end, imported(node));
    case "ExportNamedDeclaration":
      return node.declaration ? put(node.start, node.declaration.start, "") : refuse(NO_EXPORTS);
    case "ExportDefaultDeclaration":
    case "ExportAllDeclaration":
      return refuse(NO_EXPORTS);
    case "ForOfStatement":
      return node.await ? refuse("`for await` needs a build; write a loop with `await` in it") : undefined;
    case "AwaitExpression":
      if (!scope.waits) refuse("`await` stands outside of any `async` function");
      put(node.start, node.argument.start, "(yield(");
      return put(node.end, node.end, "))");
    case "Super":
      return scope.withoutSuper ? refuse("`super` in an `async` function needs a build") : undefined;
    case "Identifier":
      return scope.withoutArguments && node.name === "arguments" ? refuse("`arguments` in an `async` arrow needs a build") : undefined;
    case "ArrowFunctionExpression":
      return node.async ? arrow(node, put) : undefined;
    case "FunctionDeclaration":
    case "FunctionExpression":
      if (node.async && node.generator) refuse("an `async` generator needs a build");
      return node.async ? fun(node, text, put) : undefined;
    case "MethodDefinition":
    case "Property":
      // The word is before the name; the function begins after it.
      if (node.value?.async && text[node.value.start] === "(") put(...word(node, text), "");
  }
}

const NO_EXPORTS = "a plain script exports nothing; connect its handlers";

/** What holds for what is inside of a node. */
function inside(node, scope) {
  switch (node.type) {
    case "ArrowFunctionExpression":
      return {
        waits: node.async,
        withoutArguments: scope.withoutArguments || node.async,
        withoutSuper: scope.withoutSuper || node.async,
      };
    case "FunctionDeclaration":
    case "FunctionExpression":
      return { waits: node.async, withoutArguments: false, withoutSuper: node.async };
    default:
      return scope;
  }
}

const HEAD = "return __async(this,__args,function*";

function fun(node, text, put) {
  const open = text.indexOf("(", node.id?.end ?? node.start);
  const isMethod = open === node.start;
  put(node.start, open, isMethod ? `(...__args){${HEAD}` : `function ${node.id?.name ?? ""}(...__args){${HEAD}`);
  put(node.end, node.end, ")}");
}

function arrow(node, put) {
  const head = "(...__args)=>__async(this,__args,function*(";
  const body = node.body.type === "BlockStatement" ? [")", ")"] : ["){return(", ")})"];
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
