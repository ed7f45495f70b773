import { programsOf } from './hostile-program.ts';

/** Programs that want all of the time or the memory. */
export const exhaustion = programsOf(String.raw`
# endless loop
for (;;) {}
# endless loop after an await
await env.t.echo({}); for (;;) {}
# endless loop in a getter
return { get a() { for (;;) {} } }
# endless loop in toJSON
return { toJSON() { for (;;) {} } }
# endless loop in arguments
return await env.t.echo({ toJSON() { for (;;) {} } })
# endless loop in a timer
setTimeout(() => { for (;;) {} }, 0); await new Promise(() => {})
# endless loop in a thenable
return { then() { for (;;) {} } }
# endless loop in a sort
[1, 2, 3].sort(() => { for (;;) {} })
# endless loop in a proxy trap
return Object.keys(new Proxy({}, { ownKeys() { for (;;) {} } }))
# endless loop in Symbol.toPrimitive
console.log({ toString() { for (;;) {} } }, 1 + { [Symbol.toPrimitive]() { for (;;) {} } }); return 1
# endless loop in an error's message
throw { get message() { for (;;) {} } }
# endless loop in an error's stack
Error.prepareStackTrace = () => { for (;;) {} }; throw new Error("x")
# catch and finally around an endless loop
while (true) { try { for (;;) {} } catch {} finally { continue } }
# catch, and again
function f() { try { f() } catch { f() } } f()
# microtask bomb
const f = () => Promise.resolve().then(f); await f()
# microtask fan-out
const f = () => { Promise.resolve().then(f); Promise.resolve().then(f) }; f(); await new Promise(() => {})
# async recursion
const f = async () => { await f() }; await f()
# async generator without end
for await (const _ of (async function* () { for (;;) yield 1 })()) {}
# generator without end
return [...(function* () { for (;;) yield 1 })()]
# timers without end
const f = () => { for (let i = 0; i < 50; i++) setTimeout(f, 0) }; f(); await new Promise(() => {})
# a million timers
for (let i = 0; i < 1e6; i++) setTimeout(() => {}, 1e9); return 1
# promise fan-out
return (await Promise.all(Array.from({ length: 3e6 }, async (_, i) => i))).length
# never settles
await new Promise(() => {})
# thenable that never settles
return { then() {} }
# thenables without end
const t = { then(f) { f(t) } }; return t
# tool that never answers
return await env.t.hang({})
# all tools that never answer
await Promise.all(Array.from({ length: 50 }, () => env.t.hang({})))
# race of a hanging tool
await Promise.race([env.t.hang({}), env.t.hang({})]); return 1
# heap of arrays
const a = []; for (;;) a.push(new Array(1e5).fill(a.length))
# heap of objects
const a = []; for (let i = 0; ; i++) a.push({ i, s: "x" + i, o: { i } })
# heap of strings
const a = []; for (let i = 0; ; i++) a.push("x".repeat(1e6) + i)
# heap of closures
const a = []; for (let i = 0; ; i++) { const big = new Array(1000).fill(i); a.push(() => big) }
# heap of promises
const a = []; for (;;) a.push(new Promise(() => {}))
# heap of symbols
const a = []; for (;;) a.push(Symbol("x".repeat(1000)))
# heap of regular expressions
const a = []; for (let i = 0; ; i++) a.push(new RegExp("a".repeat(1000) + i))
# string doubling
let s = "x"; for (;;) s += s
# string by join
return new Array(1e9).join("xxxxxxxxxx").length
# array of holes as a string
return (new Array(1e9) + "").length
# array of holes sorted
return new Array(2 ** 32 - 1).sort().length
# array filled
return new Array(4e8).fill(0).length
# array from a length
return Array.from({ length: 2 ** 32 }).length
# padStart
return "x".padStart(2 ** 29 - 30, "y").length
# repeat and encode
return encodeURIComponent("\u0800".repeat(5e7)).length
# replace that grows
let s = "x".repeat(1e5); for (let i = 0; i < 5; i++) s = s.replace(/x/g, "xxxxxxxxxxxxxxxx"); return s.length
# array buffers
const a = []; for (let i = 0; i < 1000; i++) a.push(new Uint8Array(64e6).fill(1)); return a.length
# one huge array buffer
return new ArrayBuffer(2 ** 40).byteLength
# resizable array buffer
const b = new ArrayBuffer(8, { maxByteLength: 2 ** 36 }); b.resize(2 ** 35); return b.byteLength
# growing typed array
let a = new Float64Array(1e6); for (;;) { const b = new Float64Array(a.length * 2); b.fill(1); a = b }
# WebAssembly memory
const m = new WebAssembly.Memory({ initial: 1 }); for (;;) { m.grow(1000); new Uint8Array(m.buffer).fill(1) }
# BigInt power
return (2n ** 100000000n).toString().length
# BigInt product
let a = 3n; for (;;) a = a * a
# BigInt as text
let a = 7n ** 1000000n; return String(a).length
# BigInt shift
return (1n << (1n << 40n)).toString(2).length
# regular expression that backtracks
return /^(a+)+$/.test("a".repeat(40) + "b")
# regular expression with lookbehind
return /(?<=(a+)+)b/.test("a".repeat(5000) + "c")
# regular expression that is huge
return new RegExp("(".repeat(20000) + ")".repeat(20000)).test("")
# regular expression that overflows
return new RegExp("(?:".repeat(5000) + "a" + ")*".repeat(5000)).test("a".repeat(1e5))
# recursion
const f = () => f() + 1; return f()
# recursion through JSON
let o = {}; for (let i = 0; i < 1e6; i++) o = { o }; return o
# recursion through toString
const a = []; a[0] = { toString: () => String(a) }; return String(a)
# recursion through a proxy
const p = new Proxy({}, { get: (_, k, r) => r[k] }); return p.x
# recursion through bind
let f = () => 1; for (let i = 0; i < 1e6; i++) f = f.bind(); return f()
# recursion through prototypes
let o = {}; for (let i = 0; i < 1e6; i++) o = Object.create(o); return o.x
# recursion through a parse
return JSON.parse("[".repeat(1e6) + "]".repeat(1e6)).length
# deep result
let o = 1; for (let i = 0; i < 2e5; i++) o = [o]; return o
# cyclic result
const o = {}; o.o = o; return o
# wide result
return Array.from({ length: 5e6 }, (_, i) => i)
# huge result
return "x".repeat(5e7)
# result of surrogates
return "\ud800".repeat(5e5)
# BigInt result
return 1n
# huge error
throw new Error("x".repeat(5e7))
# error of errors
let e = new Error("x"); for (let i = 0; i < 1e5; i++) e = new AggregateError([e], "y", { cause: e }); throw e
# huge stack
Error.stackTraceLimit = Infinity; const f = (n) => { if (n === 0) throw new Error("deep"); f(n - 1) }; f(5000)
# dates
return new Date(8.64e15 + 1).toISOString()
# locales
let n = 0; for (let i = 0; i < 1e7; i++) n += (1e9).toLocaleString("de-u-nu-arab").length; return n
# normalisation
return "\ufdfa".repeat(1e7).normalize("NFKD").length
# sort of much
return Array.from({ length: 1e7 }, (_, i) => -i).sort().length
# flat without end
const a = []; for (let i = 0; i < 1e4; i++) a[0] = [...a, ...a]; return a.flat(Infinity).length
# map keys
const m = new Map(); for (let i = 0; ; i++) m.set({}, i)
# global variables
for (let i = 0; ; i++) globalThis["g" + i] = new Array(100)
# labels of a console
for (;;) console.log("x".repeat(1000))
# debugger
for (let i = 0; i < 100; i++) { debugger } return 1
`);
