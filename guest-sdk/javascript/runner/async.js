// What `async` functions become: functions that run a generator, which yields what it waits for. Each keeps its name, how
// many arguments it says that it has, `this`, and where its parameters and its body are.

/** `await x` as `(yield(x))`. */
export function awaited(node, guard, { put }) {
  put(node.start, node.argument.start, `${guard}(yield(`);
  put(node.end, node.end, "))");
}

/** A declaration or an expression. */
export function asyncFunction(node, script) {
  const { text, put } = script;
  // A method is its parameters and its body only; its word `async` is before its name.
  if (text[node.start] !== "(") {
    put(node.start, node.start + "async".length, "");
  }
  const open = text[node.start] === "(" ? node.start : opening(node, text);
  put(open, open, `(${dummies(node, script)}){return ${script.own}.run(this,arguments,function*`);
  put(node.end, node.end, ")}");
}

/** The word before the name of a method; its function is changed as any. */
export function asyncMethod(node, { text, put }) {
  const start = node.static ? skip(text, node.start + "static".length) : node.start;
  // In a class, a field before it that ends without a semicolon would go on with a computed name.
  put(start, start + "async".length, node.type === "MethodDefinition" && !node.static ? ";" : "");
}

/** An arrow, which has a block as its body even if it had none: what follows cannot be taken for a part of it. */
export function asyncArrow(node, guard, script) {
  const { put, own } = script;
  const names = dummies(node, script);
  const args = names ? `[${names},...${own}s]` : `${own}s`;
  const head = `${guard}(${names ? `${names},` : ""}...${own}s)=>{return ${own}.run(this,${args},function*(`;
  const [open, close] = node.body.type === "BlockStatement" ? [")", ")}"] : ["){return(", ")})}"];
  const first = node.params[0];
  if (first) {
    put(node.start, first.start, head);
    put(node.params.at(-1).end, node.body.start, `${open} `);
  } else {
    put(node.start, node.body.start, `${head}${open} `);
  }
  put(node.end, node.end, close);
}

/** Names for as many parameters as the function's `length` counts. */
function dummies({ params }, { own }) {
  const end = params.findIndex(({ type }) => type === "AssignmentPattern" || type === "RestElement");
  return params.slice(0, end < 0 ? params.length : end).map((_, at) => `${own}${at}`).join();
}

/** Where the parameters of a function begin. Before it are words and comments only. */
function opening(node, text) {
  if (node.id) return skip(text, node.id.end);
  const word = skip(text, node.start + "async".length);
  return skip(text, word + "function".length);
}

/** Moves over white space and comments. */
function skip(text, at) {
  const gap = /(?:\s|\/\/.*|\/\*[^]*?\*\/)*/y;
  gap.lastIndex = at;
  gap.test(text);
  return gap.lastIndex;
}
