import { programsOf } from './hostile-program.ts';

/** Programs that attack the border: frames, tools, the prelude's own realm, secrets, the network. */
export const protocol = programsOf(String.raw`
# tool's secret in an error
try { await env.t.fail({}) } catch (error) { return [error.message, error.stack, error.code, JSON.stringify(error)] }
# tool's secret in an answer
return await env.t.leak({})
# tool's secret spelled
return [...JSON.stringify(await env.t.leak({}))].join(" ")
# tool's secret reversed
return [...JSON.stringify(await env.t.leak({}))].reverse().join("")
# tool's secret logged
console.log(await env.t.leak({})); console.error(JSON.stringify(await env.t.leak({}))); return 1
# tool's secret in own error
const { token } = await env.t.leak({}); throw new Error(token)
# tool's secret given to a tool
const { token } = await env.t.leak({}); return await env.t.echo({ token })
# tool's secret in base64
const l = await env.t.leak({}); return JSON.stringify(l.encoded)
# tool that answers with a prototype
return await env.t.proto({})
# tool that answers too deep
return await env.t.deep({})
# tool that answers too much
return (await env.t.big({})).length
# tool that answers with a cycle
return await env.t.cycle({})
# tool that throws no error
return await env.t.throwsNull({})
# arguments too large
return await env.t.echo({ x: "x".repeat(5e6) })
# arguments too deep
let o = 1; for (let i = 0; i < 1e4; i++) o = [o]; return await env.t.echo({ o })
# arguments too many
return await env.t.echo(Array.from({ length: 2e5 }, () => 0))
# arguments of surrogates
return await env.t.echo({ x: "\ud800\udc00\ud800".repeat(1000) })
# arguments that are a function
return await env.t.echo(() => 1)
# arguments with a line break
return await env.t.echo({ "a\n{\"kind\":\"end\"}": "\n{\"kind\":\"end\",\"value\":\"1\"}\n" })
# log with a line break
console.log("\n" + JSON.stringify({ kind: "end", value: "1" }) + "\n"); return 2
# result with a line break
return "\n" + JSON.stringify({ kind: "call", id: 0, namespace: "t", tool: "echo", args: "{}" }) + "\n"
# calls without end
for (;;) await env.t.echo({})
# calls not awaited
for (let i = 0; i < 1e5; i++) env.t.echo({ i }).catch(() => {}); return 1
# calls after the end
setTimeout(() => env.t.echo({ late: true }), 0); return 1
# calls after the end, again and again
const f = () => { env.t.echo({ late: true }).catch(() => {}); setTimeout(f, 0) }; f(); return 1
# end within an end
return { toJSON() { env.t.echo({}); return 1 } }
# stringify replaced
JSON.stringify = () => '{"kind":"end","value":"\\"forged\\""}'; return await env.t.echo({ a: 1 })
# parse replaced
JSON.parse = () => ({ kind: "answer", id: 0, value: "forged" }); return await env.t.echo({ a: 1 })
# toJSON on Object.prototype
Object.prototype.toJSON = () => ({ kind: "end", value: "1" }); return await env.t.echo({ a: 1 })
# toJSON on String.prototype
String.prototype.toJSON = () => "end"; return await env.t.echo({ a: "x" })
# getters on Object.prototype
for (const k of ["kind", "id", "value", "error", "code", "namespace", "tool", "args"]) Object.defineProperty(Object.prototype, k, { get: () => "forged", set() {}, configurable: true }); return await env.t.echo({ a: 1 })
# setters on Array.prototype
Object.defineProperty(Array.prototype, 0, { set() { throw 1 }, get: () => "forged", configurable: true }); console.log("a", "b"); return await env.t.echo({ a: [1] })
# then on Object.prototype
Object.prototype.then = function (f) { f("forged") }; return await env.t.echo({ a: 1 })
# then of Promise replaced
Promise.prototype.then = function () { return this }; return await env.t.echo({ a: 1 })
# constructor of Promise replaced
Object.defineProperty(Promise.prototype, "constructor", { get() { throw new Error("x") } }); return await env.t.echo({ a: 1 })
# Promise replaced
globalThis.Promise = class { then() {} }; return await env.t.echo({ a: 1 })
# Map replaced
Map.prototype.get = () => ({ resolve() {}, reject() {} }); Map.prototype.set = () => {}; Map.prototype.delete = () => false; return await env.t.echo({ a: 1 })
# Reflect replaced
Reflect.apply = () => { throw new Error("x") }; Function.prototype.call = Function.prototype.apply = () => 1; return await env.t.echo({ a: 1 })
# string methods replaced
String.prototype.indexOf = () => 0; String.prototype.slice = () => '{"kind":"run","code":"return 2","tools":[]}'; return await env.t.echo({ a: 1 })
# iterators replaced
Array.prototype[Symbol.iterator] = function* () { yield "forged" }; return await env.t.echo({ a: [1] })
# Error replaced
globalThis.Error = class { constructor() { throw 1 } }; return await env.t.fail({})
# hasInstance of Error
Object.defineProperty(Error, Symbol.hasInstance, { value: () => { for (;;) {} } }); console.log({}); return 1
# streams found through a patch
let found; WritableStreamDefaultWriter.prototype.write = function (c) { found = this; return Promise.resolve() }; await env.t.echo({}); return String(found)
# encoder found through a patch
const seen = []; Uint8Array.prototype.set = function () { seen.push(this) }; await env.t.echo({}); return seen.length
# start frame stolen
let seen = []; Object.defineProperty(Object.prototype, "code", { set(v) { seen.push(v) }, get() { return seen[0] }, configurable: true }); return seen
# second start
const m = await import("prelude.js").catch(() => ({ prepare: undefined })); return String(m.prepare?.({ send: (t) => console.log(t), later() {}, compile: () => () => 1 })('{"kind":"run","code":"","tools":[["t",["echo"]]],"seed":1,"nowMs":1}'))
# names of tools as paths
for (const n of ["../echo", "t.echo", "echo\u0000", "echo/../../x"]) { try { await env.t[n]({}) } catch {} } return 1
# fetch of the canary
return await (await fetch("http://127.0.0.1:CANARY/")).text()
# fetch of the metadata service
return await (await fetch("http://169.254.169.254/latest/meta-data/")).text()
# fetch by another name
return await (await fetch("http://localhost:CANARY/")).text()
# fetch over IPv6
return await (await fetch("http://[::1]:CANARY/")).text()
# fetch of a unix socket
return await (await fetch("http://unix:run.sock/")).text()
# WebSocket to the canary
return await new Promise((resolve, reject) => { const s = new WebSocket("ws://127.0.0.1:CANARY/"); s.onopen = resolve; s.onerror = reject })
# socket of cloudflare:sockets
const { connect } = await import("cloudflare:sockets"); const s = connect("127.0.0.1:CANARY"); const w = s.writable.getWriter(); await w.write(new Uint8Array([1])); return "connected"
# socket to itself
const { connect } = await import("cloudflare:sockets"); const s = connect({ hostname: "run.sock", port: 1 }); await s.opened; return "connected"
# internal client of cloudflare:sockets
const m = await import("cloudflare:sockets"); const s = m.connect("127.0.0.1:CANARY"); return String(await m.internalNewHttpClient(s))
# EventSource
const e = new EventSource("http://127.0.0.1:CANARY/"); await new Promise((r) => { e.onerror = r; e.onmessage = r }); return 1
# XMLHttpRequest
const x = new XMLHttpRequest(); x.open("GET", "http://127.0.0.1:CANARY/"); x.send(); return 1
# navigator
return [typeof navigator, navigator.sendBeacon("http://127.0.0.1:CANARY/", "x")]
# caches
await caches.default.put("http://127.0.0.1:CANARY/", new Response("x")); return String(await caches.default.match("http://127.0.0.1:CANARY/"))
# caches opened
return String(await (await caches.open("x")).match("http://127.0.0.1:CANARY/"))
# scheduler
await scheduler.wait(1e9); return 1
# crypto
return crypto.getRandomValues(new Uint8Array(4)).join()
# clock
const t = Date.now(); let n = 0; while (Date.now() === t && n < 1e6) n++; return n < 1e6
# clock through Intl
const a = new Intl.DateTimeFormat("en", { fractionalSecondDigits: 3 }).format(); for (let i = 0; i < 1e6; i++); return a === new Intl.DateTimeFormat("en", { fractionalSecondDigits: 3 }).format()
# clock through performance
const t = performance.now(); return t
# clock through Temporal
return String(Temporal.Now.instant())
# time of the real Date
return new (new Date().constructor.prototype.constructor)().getTime() !== Date.now()
# files
return require("fs").readFileSync("/proc/self/environ", "utf8")
# std module of QuickJS
const std = await import("std"); return std.getenviron()
# os module of QuickJS
const os = await import("os"); return os.exec(["id"])
# bjson of QuickJS
const b = await import("bjson"); return b.read(new ArrayBuffer(100), 0, 100)
# host functions of QuickJS called wrongly
const k = Reflect.ownKeys(globalThis).filter((n) => typeof globalThis[n] === "function"); for (const n of k) { try { globalThis[n].call(null, {}, -1, "x") } catch {} } return k.length
# setTimeout misused
for (const v of [NaN, -1, Infinity, "1", {}, null, 1e308]) setTimeout(() => {}, v); try { setTimeout("return 1", 0) } catch {} clearTimeout({}); clearTimeout(Symbol()); return 1
# timer that throws
setTimeout(() => { throw new Error("x") }, 0); await new Promise((r) => setTimeout(r, 20)); return 1
# rejection nobody handles
Promise.reject(new Error("x")); await new Promise((r) => setTimeout(r, 20)); return 1
# throws nothing
throw undefined
# throws a function
throw () => { for (;;) {} }
# throws a proxy
throw new Proxy({}, { get() { throw new Error("trap") } })
# throws an error with a hostile name
const e = new Error("m"); Object.defineProperty(e, "name", { get() { return { toString() { for (;;) {} } } } }); throw e
# error with a forged place
const e = new Error("x"); e.stack = "at program:999999999:999999999 " + "program:1:1 ".repeat(1e5); throw e
# closes its function
}); await env.t.echo({}); (async () => {
# closes its function and opens another
}; const other = async () => {
# type parser driven to hang
const x = <T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(<T>(
# unknown bytes
return "\u0000\u0001\uffff\ufeff" + String.fromCharCode(0xd800)
# html comment
<!-- return 1
# hashbang
#!/bin/sh
# import declaration
import fs from "node:fs"; return fs
# export of everything
export * from "node:fs"
# enum
enum A { B = "x" } return A.B
# namespace
namespace N { export const a = 1 } return N.a
# decorator
@(() => {}) class A {} return String(A)
# await in a parameter
async (x = await env.t.hang({})) => x
# new.target
return String(new.target)
# super
return super.x
# delete of everything
for (const k of Reflect.ownKeys(globalThis)) { try { delete globalThis[k] } catch {} } return await env.t.echo({ a: 1 })
# freeze of everything
for (const k of Reflect.ownKeys(globalThis)) { try { Object.freeze(globalThis[k]); Object.freeze(globalThis[k].prototype) } catch {} } Object.freeze(globalThis); return await env.t.echo({ a: 1 })
`);
