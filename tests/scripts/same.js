//// await begins a line 1
const words = "a b".split(" ")
globalThis.result = (async () => {
  const all = words
  await Promise.resolve()
  return all.join("-")
})()
//// await begins a line 2
let calls = 0
const audit = (v) => { calls++; return v }
globalThis.result = (async () => {
  const record = audit
  await Promise.resolve("settled")
  return [calls, typeof record]
})()
//// await begins a line 3
globalThis.result = (async () => {
  let n = 1
  await null
  n++
  await null
  return n
})()
//// await begins a line 4
globalThis.result = (async () => {
  const f = function () { return 1 }
  await null
  return typeof f
})()
//// await begins a line 5
globalThis.result = (async () => {
  const list = [1, 2]
  await list
  return list.length
})()
//// await begins a line 6
globalThis.result = (async () => {
  let a = 1, b = a
  await (async () => { b = 5 })()
  return [a, b]
})()
//// await begins a line 7
globalThis.result = (async () => {
  const text = `x`
  await `y`
  return text
})()
//// await begins a line 8
globalThis.result = (async () => {
  let i = 0
  i
  ++i
  await i
  return i
})()
//// await begins a line 9
globalThis.result = (async () => {
  if (true) await null
  else await 1
  return "after"
})()
//// await begins a line 10
globalThis.result = (async () => {
  let n = 0
  do await n++
  while (n < 3)
  await null
  return n
})()
//// await begins a line 11
globalThis.result = (async () => {
  for (let i = 0; i < 2; i++) await i
  await 3
  return 4
})()
//// await begins a line 12
globalThis.result = (async () => {
  a: await 1
  await 2
  return 3
})()
//// await begins a line 13
globalThis.result = (async () => {
  switch (1) {
    case 1:
      let x = Number
      await 2
      return typeof x
  }
})()
//// await begins a line 14
globalThis.result = (async () => {
  const f = () => 1
  await 2
  return f()
})()
//// await begins a line 15
globalThis.result = (async () => {
  const f = Number
  await 2 ? 1 : 0
  return typeof f
})()
//// await begins a line 16
globalThis.result = (async () => {
  const re = /x/
  await 1
  return re.source
})()
//// await begins a line 17
globalThis.result = (async () => {
  let x = 4
  await /2/g
  return x
})()
//// await begins a line 18
globalThis.result = (async () => {
  "use strict"
  await null
  return this === undefined
})()
//// await begins a line 19
globalThis.result = (async () => {
  try { throw 1 } catch { }
  await null
  return 2
})()
//// await begins a line 20
globalThis.result = (async () => {
  const o = { a: 1 }
  await o.a
  return o
})()
//// await begins a line 21
globalThis.result = (async () => {
  return
  await 1
})().then((v) => v === undefined)
//// await with its operand 1
globalThis.result = (async () => await
  4)()
//// await with its operand 2
globalThis.result = (async () => await // a comment
  5)()
//// await with its operand 3
globalThis.result = (async () => await /* ( */ 6)()
//// await with its operand 4
globalThis.result = (async () => (await 2) ** (await 3))()
//// await with its operand 5
globalThis.result = (async () => -await 2)()
//// await with its operand 6
globalThis.result = (async () => !await 0)()
//// await with its operand 7
globalThis.result = (async () => typeof await "x")()
//// await with its operand 8
globalThis.result = (async () => await await await 7)()
//// await with its operand 9
globalThis.result = (async () => await [1, 2][1])()
//// await with its operand 10
globalThis.result = (async () => (await { a: { b: 3 } })?.a?.b)()
//// await with its operand 11
globalThis.result = (async () => await ({ a: 1 }).a + await 2 * 3)()
//// await with its operand 12
globalThis.result = (async () => `${await 1}-${`${await 2}`}`)()
//// await with its operand 13
globalThis.result = (async () => [await 1, ...await [2, 3]])()
//// await with its operand 14
globalThis.result = (async () => ({ a: await 1, [await "b"]: 2, ...await { c: 3 } }))()
//// await with its operand 15
globalThis.result = (async () => (await 0 || await null) ?? await "x")().catch(() => 0)
//// await with its operand 16
globalThis.result = (async () => await 1 ? await 2 : await 3)()
//// await with its operand 17
globalThis.result = (async () => (await 1, await 2))()
//// await with its operand 18
globalThis.result = (async () => new (await Array)(3).length)()
//// await with its operand 19
globalThis.result = (async () => "a" in await { a: 1 })()
//// await with its operand 20
globalThis.result = (async () => await 3 in { 3: 1 })()
//// await with its operand 21
globalThis.result = (async () => { let x = 1; x += await 2; return x })()
//// await with its operand 22
globalThis.result = (async () => { const { a = await 5 } = {}; return a })()
//// await with its operand 23
globalThis.result = (async () => { let [x = await 1, y = await 2] = [9]; return [x, y] })()
//// await with its operand 24
globalThis.result = (async () => { for (const x of await [1, 2]) if (await x > 1) return x })()
//// await with its operand 25
globalThis.result = (async () => { for (const k in await { p: 1 }) return k })()
//// await with its operand 26
globalThis.result = (async () => { while (await false); return 1 })()
//// await with its operand 27
globalThis.result = (async () => { try { await Promise.reject(new Error("x")) } catch (e) { return e.message } finally { await 1 } })()
//// await with its operand 28
globalThis.result = (async () => { try { throw await 3 } catch (e) { return e } })()
//// await with its operand 29
globalThis.result = (async () => { const f = (...a) => a.length; return f(await 1, ...await [2, 3], await 4) })()
//// await with its operand 30
globalThis.result = (async () => String.raw`a${await 1}\n`)()
//// await with its operand 31
globalThis.result = (async () => { label: for (const a of [1, 2]) { for (const b of [1, 2]) { if (await b === 2) continue label; if (a === 2) break label } } return "ok" })()
//// await with its operand 32
globalThis.result = (async () => await (await (async () => 3)()))()
//// await with its operand 33
globalThis.result = (async () => { delete (await { a: 1 }).a; return void await 1 })().then((v) => v === undefined)
//// arrows 1
globalThis.result = (async () => 1)()
//// arrows 2
globalThis.result = (async (a, b = a) => a + b)(2)
//// arrows 3
globalThis.result = (async a => a * 2)(4)
//// arrows 4
globalThis.result = (async ({ a }, ...rest) => [a, ...rest])({ a: 1 }, 2, 3)
//// arrows 5
globalThis.result = (async (a /* ) => { */, b) => a + b)(1, 2)
//// arrows 6
globalThis.result = (async ( // (
  a,
) => a)(6)
//// arrows 7
globalThis.result = (async (a = (1, 2)) => a)()
//// arrows 8
globalThis.result = (async (a = ((x) => x)(3)) => a)()
//// arrows 9
globalThis.result = (async () => ({ a: 1 }))()
//// arrows 10
globalThis.result = (async () => ({ a: 1 }).a)()
//// arrows 11
globalThis.result = (async () => {})().then((v) => v === undefined)
//// arrows 12
const f = async () => {}
[1].forEach(() => {})
globalThis.result = typeof f
//// arrows 13
let hits = 0
const f = async () => {}
;(hits++)
globalThis.result = hits
//// arrows 14
const f = async () => 1
var g = 2
globalThis.result = f().then((v) => v + g)
//// arrows 15
const x = 1
async () => {}
globalThis.result = x
//// arrows 16
const x = String
async (a) => a
globalThis.result = typeof x
//// arrows 17
let x = Number
async a => a
globalThis.result = typeof x
//// arrows 18
const f = async (a) =>
  a + 1
globalThis.result = f(1)
//// arrows 19
const f = async (a) => /* { */ a
globalThis.result = f(1)
//// arrows 20
const f = async (a) => // =>
  a
globalThis.result = f(2)
//// arrows 21
globalThis.result = [1, 2].map(async (x) => x * await 2).length
//// arrows 22
globalThis.result = Promise.all([1, 2].map(async (x) => x * await 2))
//// arrows 23
globalThis.result = (async () => async () => async () => 3)().then((f) => f()).then((f) => f())
//// arrows 24
const o = { f: async () => 1, g: async x => x }
globalThis.result = Promise.all([o.f(), o.g(2)])
//// arrows 25
const f = true ? async () => 1 : async () => 2
globalThis.result = f()
//// arrows 26
globalThis.result = (() => { const $ = 5; return async () => $ })()()
//// arrows 27
const f = async () => 1, g = async () => 2
globalThis.result = Promise.all([f(), g()])
//// arrows 28
class A { x = 3; f = async () => this.x }
globalThis.result = new A().f()
//// arrows 29
class A { x = 3; async f() { return [1].map(() => this.x)[0] } }
globalThis.result = new A().f()
//// arrows 30
const f = async (a, b, c = 1) => 0
globalThis.result = [f.length, f.name]
//// arrows 31
const f = async (...all) => all
globalThis.result = [f.length, f.name]
//// arrows 32
const f = async (a, ...rest) => rest
globalThis.result = f()
//// arrows 33
const f = async (a = 7) => a
globalThis.result = f(undefined)
//// arrows 34
const f = async ([a, b] = [1, 2]) => a + b
globalThis.result = f()
//// arrows 35
const f = async (a, b) => [a, b]
globalThis.result = f(1).then((x) => JSON.stringify(x))
//// arrows 36
globalThis.result = (async function () { return (async () => this.v)() }).call({ v: 9 })
//// arrows 37
const f = async () => { throw new TypeError("no") }
globalThis.result = f().catch((e) => e.name)
//// arrows 38
const f = async (a = nothere) => a
globalThis.result = f().catch((e) => e.name)
//// arrows 39
var async = 1
globalThis.result = async
//// arrows 40
const async = (x) => x
globalThis.result = async
(3)
//// arrows 41
const async = { await: 1 }
globalThis.result = async.await
//// functions 1
async function f(a) { return (await a) + arguments.length }
globalThis.result = f(5, 6)
//// functions 2
globalThis.result = f()
async function f() { return "hoisted" }
//// functions 3
const x = 1
async function f() { return x }
globalThis.result = f()
//// functions 4
const f = async function (a) { return a }
globalThis.result = f(1).then((v) => [v, f.name, f.length])
//// functions 5
const f = async function named(n) { return n > 0 ? n + await named(n - 1) : 0 }
globalThis.result = f(3)
//// functions 6
async /* ( */ function /* ( */ f /* ( */ (a) { return a }
globalThis.result = f(1)
//// functions 7
async function f /* "(" */ (a = ")") { return a }
globalThis.result = f()
//// functions 8
async function
f
(
a
)
{ return a }
globalThis.result = f(2)
//// functions 9
async function f(a, b) { arguments[0] = 9; return [a, arguments.length] }
globalThis.result = f(1, 2, 3)
//// functions 10
async function f() { "use strict"; return typeof this }
globalThis.result = f()
//// functions 11
async function f() { return this.x }
globalThis.result = f.call({ x: 1 })
//// functions 12
async function f({ a: { b = 2 } = {} } = {}) { return b }
globalThis.result = f()
//// functions 13
async function f(a, b, c = 1, d) {}
globalThis.result = [f.length, f.name]
//// functions 14
async function f() { return await g() }
async function g() { return 3 }
globalThis.result = f()
//// functions 15
async function f() { function g() { return arguments.length } return g(1, 2) }
globalThis.result = f()
//// functions 16
async function f() { const g = () => arguments[0]; return g() }
globalThis.result = f(8)
//// functions 17
async function f() { return new.target === undefined }
globalThis.result = f()
//// functions 18
function* g() { const f = async () => await 1; yield f() }
globalThis.result = g().next().value
//// functions 19
async function f() { function* g() { yield 1; yield 2 } return [...g()] }
globalThis.result = f()
//// functions 20
async function f() { try { return await 1 } finally { await 2 } }
globalThis.result = f()
//// functions 21
async function f() { for (;;) { await 1; break } return "out" }
globalThis.result = f()
//// functions 22
async function f() { return { async g() { return await 4 } } }
globalThis.result = f().then((o) => o.g())
//// functions 23
async function f() { class A { async m() { return this.n } n = 6 } return new A().m() }
globalThis.result = f()
//// functions 24
function f() { return async function () { return 2 } }
globalThis.result = f()()
//// functions 25
{ async function f() { return 1 } globalThis.result = f() }
//// functions 26
globalThis.result = (async function () { return 1 })()
//// functions 27
globalThis.result = (async () => { async function f() { return 1 }
 await f()
 return f() })()
//// methods and classes 1
const o = { async of(a) { return this.add + await a }, add: 1 }
globalThis.result = o.of(2)
//// methods and classes 2
const o = { async "a b"() { return 1 }, async 3() { return 2 }, async [`c`]() { return 3 } }
globalThis.result = Promise.all([o["a b"](), o[3](), o.c()])
//// methods and classes 3
const o = { async async() { return 1 }, async await() { return 2 }, async get() { return 3 }, async static() { return 4 } }
globalThis.result = Promise.all([o.async(), o.await(), o.get(), o.static()])
//// methods and classes 4
const o = { async() { return 1 }, await() { return 2 } }
globalThis.result = [o.async(), o.await()]
//// methods and classes 5
const o = { async: 1, await: 2 }
globalThis.result = o.async + o.await
//// methods and classes 6
const o = { get async() { return 1 }, set async(v) {} }
globalThis.result = o.async
//// methods and classes 7
const async = 5
globalThis.result = { async }.async
//// methods and classes 8
class A { static async of(a) { return a + await 1 } }
globalThis.result = A.of(2)
//// methods and classes 9
class A { static /* async */ async of() { return 1 } }
globalThis.result = A.of()
//// methods and classes 10
class A {
  a = 1
  async m() { return this.a }
}
globalThis.result = new A().m()
//// methods and classes 11
class A {
  a = [7]
  async [0]() { return this.a[0] }
}
globalThis.result = new A()[0]()
//// methods and classes 12
class A {
  a
  async m() { return this.a }
}
globalThis.result = new A().m().then((v) => v === undefined)
//// methods and classes 13
class A {
  async
  m() { return "sync" }
}
globalThis.result = [new A().m(), "async" in new A()]
//// methods and classes 14
class A { async = 1; await = 2 }
globalThis.result = new A().async + new A().await
//// methods and classes 15
class A { async async() { return 1 } static async static() { return 2 } }
globalThis.result = Promise.all([new A().async(), A.static()])
//// methods and classes 16
class A { async #m() { return 1 } m() { return this.#m() } }
globalThis.result = new A().m()
//// methods and classes 17
class A { #x = 1; async x() { return this.#x + await 1 } }
globalThis.result = new A().x()
//// methods and classes 18
class A { static #n = 4; static async n() { return A.#n } }
globalThis.result = A.n()
//// methods and classes 19
class A { static { this.x = 1 } static f = async () => A.x }
globalThis.result = A.f()
//// methods and classes 20
class A { async m(a, b) {} }
globalThis.result = [A.prototype.m.length, A.prototype.m.name]
//// methods and classes 21
class A { async m() { return [...arguments] } }
globalThis.result = new A().m(1, 2)
//// methods and classes 22
class A { get a() { return 1 } async b() { return this.a } }
globalThis.result = new A().b()
//// methods and classes 23
class A extends Array { async all() { return this.length } }
globalThis.result = new A(3).all()
//// methods and classes 24
class A { constructor() { this.ready = (async () => this)() } }
globalThis.result = new A().ready.then((a) => a instanceof A)
//// methods and classes 25
class B { m() { return 1 } }
class A extends B { m() { return super.m() + 1 } async n() { return this.m() } }
globalThis.result = new A().n()
//// methods and classes 26
const A = class { async m() { return 1 } }
globalThis.result = new A().m()
//// methods and classes 27
const o = { f: async function () { return this.v }, v: 3 }
globalThis.result = o.f()
//// methods and classes 28
const o = { a: 1, async
: 2 }
globalThis.result = o
//// methods and classes 29
class A { async m() { await null
  return 5 } }
globalThis.result = new A().m()
//// methods and classes 30
class A { 'async'() { return 1 } async 'b c'() { return 2 } }
globalThis.result = new A()['b c']()
//// text that only looks like code 1
globalThis.result = "await async => {"
//// text that only looks like code 2
globalThis.result = 'async function f() { await 1 }'
//// text that only looks like code 3
globalThis.result = `await x`
//// text that only looks like code 4
globalThis.result = `a ${"await"} b`
//// text that only looks like code 5
globalThis.result = /await async/.source
//// text that only looks like code 6
globalThis.result = /[/]await/.test("/await")
//// text that only looks like code 7
const a = 4, g = 2
globalThis.result = a /await_()/ g
function await_() { return 2 }
//// text that only looks like code 8
// await async function
globalThis.result = 1
//// text that only looks like code 9
/* async () => { await */ globalThis.result = 2
//// text that only looks like code 10
globalThis.result = 1 // import x from "y"
//// text that only looks like code 11
globalThis.result = "import x from 'fs'"
//// text that only looks like code 12
globalThis.result = `export default ${1}`
//// text that only looks like code 13
globalThis.result = "//" + "/*"
//// text that only looks like code 14
globalThis.result = /\/\*/.source
//// text that only looks like code 15
globalThis.result = "\u0061wait"
//// text that only looks like code 16
globalThis.result = { "await": 1 }
//// text that only looks like code 17
globalThis.result = `
// await
`
//// text that only looks like code 18
globalThis.result = "line\
continued"
//// text that only looks like code 19
globalThis.result = "__aksara".length
//// text that only looks like code 20
const __async = 1, __args = 2, __aksara = 3
globalThis.result = (async () => __async + __args + __aksara)()
//// text that only looks like code 22
globalThis.result = "<!-- not a comment -->"
//// text that only looks like code 23
let n = 3
while (n --> 0);
globalThis.result = n
//// lines, comments and directives 1
#!/usr/bin/env node
globalThis.result = "hashbang"
//// lines, comments and directives 2
#!/usr/bin/env await async
globalThis.result = (async () => await 1)()
//// lines, comments and directives 3
"use strict"
globalThis.result = this === undefined
//// lines, comments and directives 4
'use strict'
;[1].map(() => 1)
globalThis.result = 1
//// lines, comments and directives 5
globalThis.result = (function () { return this === undefined })()
//// lines, comments and directives 6
globalThis.result = (() => this === undefined)()
//// lines, comments and directives 7
globalThis.result = 1
result += 1
//// lines, comments and directives 8
let a = 1
let b = a
++b
globalThis.result = [a, b]
//// lines, comments and directives 9
function f() {
  return
  1
}
globalThis.result = f() === undefined
//// lines, comments and directives 10
globalThis.result = [1, 2]
  .map((x) => x * 2)
//// lines, comments and directives 11
globalThis.result = 1;;;
//// lines, comments and directives 12
globalThis.result = 1 /* a */ + /* b
 */ 2
//// lines, comments and directives 13
var a = 1; { let a = 2 } globalThis.result = a
//// lines, comments and directives 14
globalThis.result = 5 // last
//// lines, comments and directives 15
globalThis.result = 6 /* last */
//// lines, comments and directives 16
outer: for (;;) { for (;;) break outer }
globalThis.result = "label"
//// lines, comments and directives 17
globalThis.result = typeof undeclared
//// lines, comments and directives 18
try { undeclared = 1 } catch (e) { globalThis.result = e.name }
//// lines, comments and directives 19
try { Object.freeze([]).push(1) } catch (e) { globalThis.result = e.name }
//// lines, comments and directives 20
﻿globalThis.result = "mark"
//// lines, comments and directives 21
debugger
globalThis.result = 1
//// lines, comments and directives 22
globalThis.result = eval("1 + 1")
//// lines, comments and directives 23
var f = new Function("a", "return a")
globalThis.result = f(3)
//// lines, comments and directives 24
globalThis.result = 0b11 + 0o7 + 1_000
//// lines, comments and directives 25
globalThis.result = 2n ** 3n === 8n
//// lines, comments and directives 26
export const a = 1
globalThis.result = a
//// lines, comments and directives 27
export async function f() { return await 2 }
globalThis.result = f()
//// lines, comments and directives 28
export class A { async m() { return 3 } }
globalThis.result = new A().m()
//// promises 1
globalThis.result = Promise.any([Promise.reject(new Error("a"))]).catch((e) => [e.name, e instanceof AggregateError, e.errors[0].message, e.message])
//// promises 2
globalThis.result = Promise.allSettled([1, Promise.reject(2)])
//// promises 3
globalThis.result = Promise.race([new Promise(() => {}), 2])
//// promises 4
const seen = []
const run = async (n) => { seen.push(n); await null; seen.push(-n) }
globalThis.result = Promise.all([run(1), run(2)]).then(() => seen)
//// promises 5
const seen = []
queueMicrotask(() => seen.push("b"))
Promise.resolve().then(() => seen.push("c"))
seen.push("a")
globalThis.result = Promise.resolve().then(() => seen)
//// promises 6
const seen = []
async function a() { await b(); seen.push("a") }
async function b() { seen.push("b") }
a()
globalThis.result = Promise.resolve().then(() => seen.push("c")).then(() => seen)
//// promises 7
const seen = []
const f = async () => Promise.resolve(1)
f().then(() => seen.push("f"))
globalThis.result = Promise.resolve().then(() => seen.push(1)).then(() => seen.push(2)).then(() => seen.push(3)).then(() => seen.push(4)).then(() => seen)
//// promises 8
globalThis.result = (async () => await { then(resolve) { resolve(5) } })()
//// promises 9
globalThis.result = (async () => { throw 1 })().catch((e) => e + 1).finally(() => 9)
//// promises 10
const p = (async () => 1)()
globalThis.result = [p instanceof Promise, typeof p.then, String(p)]
//// promises 11
globalThis.result = new Promise((resolve) => resolve((async () => 3)()))
//// promises 12
const { promise, resolve } = { ...(() => { let resolve; const promise = new Promise((r) => (resolve = r)); return { promise, resolve } })() }
resolve(4)
globalThis.result = promise
//// promises 13
const wait = async (value) => { await null; return value }
globalThis.result = (async () => { let sum = 0; for (const x of [1, 2, 3]) sum += await wait(x); return sum })()
//// promises 14
const wait = async (value) => { await null; return value }
globalThis.result = (async () => (await Promise.all([1, 2].map(async (a) => a + await wait(a)))).join())()
//// promises 15
const wait = async (value) => { await null; return value }
const compose = (...fs) => async (x) => { for (const f of fs) x = await f(x); return x }
globalThis.result = compose(async (x) => x + 1, (x) => x * 2, wait)(3)
//// promises 16
const wait = async (value) => { await null; return value }
globalThis.result = wait(1).then(wait).then(async (x) => (await wait(x)) + 1)
//// promises 17
globalThis.result = Promise.reject(new RangeError("r")).then(() => 1, (e) => e.name)
