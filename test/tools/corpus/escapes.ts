import { programsOf } from './hostile-program.ts';

/** Programs that look for the host through the language. */
export const escapes = programsOf(String.raw`
# constructor of a constructor
return String((()=>{}).constructor("return process")())
# constructor of an async function
return String(await (async()=>{}).constructor("return globalThis.process")())
# constructor of a generator
return String((function*(){}).constructor("yield process")().next().value)
# constructor of an async generator
return String((await (async function*(){}).constructor("yield process")().next()).value)
# constructor of a tool's promise
return String(env.t.echo({}).constructor.constructor("return process")())
# constructor of a tool's result
return String((await env.t.echo({a:1})).constructor.constructor("return process.env")())
# constructor of a host error
try { await env.t.fail({}) } catch (error) { return String(error.constructor.constructor("return process.env")()) }
# constructor of a tool function
return String(env.t.echo.constructor("return process")())
# indirect eval
return (0, eval)("typeof process + typeof require")
# stack frames
Error.prepareStackTrace = (_, frames) => frames.map((f) => [String(f.getThis?.()), String(f.getFunction?.()), f.getFileName?.()].join());
return new Error("x").stack
# stack frames of a tool's error
Error.prepareStackTrace = (_, frames) => frames;
try { await env.t.fail({}) } catch (error) { const f = [].concat(error.stack)[0]; return String(f?.getFunction?.()) + String(f?.getThis?.()) }
# import of node:fs
return Object.keys(await import("node:fs"))
# import of node:child_process
return (await import("node:child_process")).execSync("id").toString()
# import of node:process
const p = await import("node:process"); return JSON.stringify(p.env ?? p.default?.env)
# getBuiltinModule
const p = await import("node:process"); const fs = p.getBuiltinModule?.("fs") ?? p.default?.getBuiltinModule?.("node:fs"); return fs.readFileSync("/etc/passwd", "utf8")
# exit through node:process
const p = await import("node:process"); p.exit(0); await new Promise((r) => setTimeout(r, 100)); return "alive"
# import of data:
return (await import("data:text/javascript,export default globalThis.process")).default
# import of file:
return Object.keys(await import("file:///etc/passwd"))
# import of a relative path
return Object.keys(await import("./prelude.js"))
# import of the outer worker
const m = await import("main.js"); return JSON.stringify(Object.keys(m.default ?? m))
# outer worker asked again
const m = await import("main.js"); const r = await m.default.fetch({ body: null }, { compiler: { newAsyncFunction: () => () => 1 } }); return String(r)
# prelude prepared again
const m = await import("prelude.js"); const f = m.prepare({ send() {}, later() {}, compile: (c) => c }); return typeof f
# import of cloudflare:workers
const m = await import("cloudflare:workers"); return Object.keys(m.env ?? {}).concat(typeof m.env?.compiler)
# compiler through withEnv
const m = await import("cloudflare:workers"); return String(await m.withEnv({}, async () => Object.keys(m.env)))
# exports of cloudflare:workers
const m = await import("cloudflare:workers"); return JSON.stringify([Object.keys(m.exports ?? {}), await m.exports?.default?.fetch?.("http://x/")])
# abort of the isolate
const m = await import("cloudflare:workers"); m.abortIsolate("bye"); return 1
# waitUntil of cloudflare:workers
const m = await import("cloudflare:workers"); m.waitUntil(new Promise(() => {})); return 1
# cache of cloudflare:workers
const m = await import("cloudflare:workers"); return String(await m.cache?.default?.match?.("http://x/"))
# internal modules
const found = []; for (const n of ["cloudflare-internal:sockets", "node-internal:process", "internal:unsafe-eval", "workerd:unsafe", "workerd:unsafe-eval", "cloudflare:node"]) { try { found.push(n + Object.keys(await import(n))) } catch {} } return found
# http server of cloudflare:node
const m = await import("cloudflare:node"); return String(await m.handleAsNodeRequest(80, new Object()))
# globals of the host
return [typeof require, typeof process, typeof module, typeof Deno, typeof Bun, typeof __dirname, typeof global, typeof Buffer]
# global object walked
const found = []; for (let o = globalThis; o; o = Object.getPrototypeOf(o)) found.push(...Reflect.ownKeys(o).map(String)); return found
# prototypes of the global object
let o = Object.getPrototypeOf(globalThis); const names = []; while (o) { for (const k of Reflect.ownKeys(o)) { try { names.push(String(k) + typeof o[k]) } catch (e) { names.push("!" + e.message) } } o = Object.getPrototypeOf(o) } return names
# with a proxy global
const p = new Proxy({}, { has: () => true, get: (_, k) => k }); return String(Reflect.get(p, "process"))
# caller and callee
function f() { return f.caller } try { return String(f()) } catch (error) { return error.message }
# this of a sloppy function
return (function () { return Object.keys(this ?? {}) })()
# arguments of the program
return [arguments.length, String(arguments[0]), String(arguments.callee)]
# toString of everything
return [String(env.t.echo), String(setTimeout), String(console.log), String(Date), String(Math.random)]
# symbols of env
return Reflect.ownKeys(env).map(String).concat(Reflect.ownKeys(env.t).map(String))
# prototype of env
return [Object.getPrototypeOf(env), Object.getPrototypeOf(env.t), env.__proto__]
# env changed
try { env.t.echo = () => "mine"; env.x = 1 } catch {} return await env.t.echo({ a: 1 })
# unknown tool
return await env.t.rm({ path: "/" })
# unknown namespace
return await env.process.exit()
# inherited names as tools
const out = []; for (const n of ["constructor", "__proto__", "toString", "valueOf", "hasOwnProperty"]) { try { out.push(String(await env.t[n]({}))) } catch (e) { out.push(e.message) } } return out
# getter as a result
return { get a() { return (() => {}).constructor("return process")() } }
# toJSON as a result
return { toJSON() { return { toJSON: 1, env: typeof process } } }
# toJSON as arguments
return await env.t.echo({ toJSON() { return { __proto__: null, constructor: "x" } } })
# proxy as a result
return new Proxy({}, { get: (_, k) => (k === "toJSON" ? () => ({ k: "v" }) : 1), ownKeys: () => ["a"], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }) })
# proxy as arguments
return await env.t.echo(new Proxy({ a: 1 }, { get(t, k) { throw new Error("trap " + String(k)) } }))
# prototype pollution in arguments
return await env.t.echo(JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}}}'))
# prototype pollution in the result
return JSON.parse('{"__proto__":{"polluted":1},"a":{"__proto__":{"toString":"x"}}}')
# prototype pollution in a log
console.log(JSON.parse('{"__proto__":{"level":"error"}}')); return ({}).polluted
# generator left open
const g = (function* () { try { yield 1 } finally { await_ = 1 } })(); g.next(); return g
# species
class P extends Promise { static get [Symbol.species]() { return function (f) { f(() => {}, () => {}); return {} } } } return await P.resolve(1).then((v) => v)
# async iterator of a call
const it = env.t.echo({})[Symbol.asyncIterator]; return String(it)
# hidden class of Function
const F = Object.getPrototypeOf(function () {}).constructor; return String(new F("a", "return this")())
# Function through Reflect
return String(Reflect.construct(Reflect.getPrototypeOf(async () => {}).constructor, ["return typeof process"]))
# with statement in sloppy code
const f = (() => {}).constructor("with (this) { return typeof process }"); return f()
# ShadowRealm
return new ShadowRealm().evaluate("typeof process")
# Realm through an iterator helper
return String(Iterator.from({ next: () => ({ done: true }) }).constructor)
# WebAssembly module
return new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).toString()
# shared memory and a timer thread
const s = new SharedArrayBuffer(8); Atomics.wait(new Int32Array(s), 0, 0, 1e9); return 1
# finalizers
const r = new FinalizationRegistry(() => { throw 1 }); for (let i = 0; i < 1e5; i++) r.register({}, i); return 1
# weak references
return String(new WeakRef(globalThis).deref().process)
`);
