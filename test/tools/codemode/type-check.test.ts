/** The type checker, with the compiler before it as in a run. */
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { TextChecker } from '../../../src/tools/codemode/check-text.ts';
import { compileText } from '../../../src/tools/codemode/compile-text.ts';
import { ProgramCompiler, type CompiledProgram } from '../../../src/tools/codemode/compile.ts';
import { envType, type DeclaredTool } from '../../../src/tools/codemode/declarations.ts';
import { ProgramChecker, whyNoTypeCheck } from '../../../src/tools/codemode/type-check.ts';

const number = { type: 'number' };
const text = { type: 'string' };

const tools: DeclaredTool[] = [
  {
    namespace: 'device',
    name: 'read_history',
    description: 'Past values',
    inputSchema: {
      type: 'object',
      properties: {
        metric: { enum: ['temperature', 'humidity'] },
        minutes: number,
        between: { type: 'array', prefixItems: [number, number] },
      },
      required: ['metric', 'minutes'],
      additionalProperties: false,
    },
    outputSchema: {
      type: 'object',
      properties: {
        metric: text,
        values: { type: 'object' },
        points: {
          type: 'array',
          items: { type: 'object', properties: { at: text, mean: number }, required: ['at', 'mean'] },
        },
      },
      required: ['metric', 'points'],
    },
  },
  {
    namespace: 'device',
    name: 'notify',
    description: 'Tells',
    inputSchema: { type: 'object', properties: { text }, required: ['text'] },
  },
];
const env = envType(tools);
const checker = new TextChecker(ts);

function check(program: string): string[] {
  const compiled = compileText(program);
  if (!compiled.ok) throw new Error(compiled.error.message);
  return checker
    .check({ ...compiled, env })
    .map(({ line, column, message }) => `${line}:${column} ${message}`);
}

describe('what goes wrong when it runs is told with its place', () => {
  it.each([
    [
      'a tool that is not there',
      `const a = 1;\nawait env.device.read_histroy({});`,
      /^2:18 Property 'read_histroy' .* Did you mean 'read_history'\?/,
    ],
    [
      'an argument that is missing',
      `await env.device.read_history({ metric: 'humidity' })`,
      /^1:31 .*'minutes' is missing/,
    ],
    [
      'an argument that is none',
      `const a = await env.device.read_history({\n  metric: 'humidity', hours: 2 });`,
      /^2:23 .*'hours' does not exist/,
    ],
    [
      'a word that is none of those',
      `await env.device.read_history({ metric: 'humid', minutes: 1 })`,
      /^1:33 Type '"humid"' is not assignable/,
    ],
    [
      'an argument of another type',
      `await env.device.read_history({ metric: 'humidity', minutes: '1' })`,
      /^1:53 Type 'string' is not assignable to type 'number'/,
    ],
    [
      'a member no answer has',
      `const { points } = await env.device.read_history({ metric: 'humidity', minutes: 1 });\nreturn points.map((p) => p.avg);`,
      /^2:28 Property 'avg' does not exist/,
    ],
    [
      'a member taken apart',
      `const { samples } = await env.device.read_history({ metric: 'humidity', minutes: 1 });`,
      /^1:9 Property 'samples' does not exist/,
    ],
    [
      'a promise nobody waits for',
      `return env.device.read_history({ metric: 'humidity', minutes: 1 }).points;`,
      /^1:68 Property 'points' does not exist on type 'Promise<.*Did you forget to use 'await'\?/,
    ],
    [
      'a name that is not there',
      `let sum = 0;\nreturn summ;`,
      /^2:8 Cannot find name 'summ'. Did you mean 'sum'\?/,
    ],
    ['a network', `return await fetch('http://x')`, /^1:14 Cannot find name 'fetch'/],
    [
      'it in an arrow function',
      `async (env) => {\n  await env.device.notify({ test: 'x' });\n}`,
      /^2:29 .*'test' does not exist/,
    ],
    ['it in an expression', `  env.device.notify({ txt: 'x' })`, /^1:23 .*'txt'/],
    [
      'it in a default export',
      `export default async (e) => { await e.device.notify() }`,
      /^1:46 Expected 1 arguments/,
    ],
    ['it in a fenced block', 'So:\n```ts\nawait env.device.notify({})\n```', /^3:25 .*'text' is missing/],
    [
      'a method of a list that is not there',
      `const { points } = await env.device.read_history({ metric: 'humidity', minutes: 1 });\nreturn points.average();`,
      /^2:15 Property 'average' does not exist/,
    ],
  ])('%s', (_, program, told) => {
    expect(check(program)).toEqual([expect.stringMatching(told)]);
  });
});

describe('what JavaScript takes is not told', () => {
  it.each([
    [
      'members added to an object of its own',
      `const r = {}; const s = { a: 1 }; r.x = 1; s.b = 2; return [r, s.b];`,
    ],
    [
      'a word kept in a variable',
      `const past = { metric: 'humidity', minutes: 60 }; return await env.device.read_history(past);`,
    ],
    [
      'words of a list',
      `return await Promise.all(['humidity', 'temperature'].map((metric) => env.device.read_history({ metric, minutes: 1 })))`,
    ],
    [
      'a pair kept in a variable',
      `const between = [1, 2]; return await env.device.read_history({ metric: 'humidity', minutes: 1, between })`,
    ],
    [
      'what a schema does not say',
      `const h = await env.device.read_history({ metric: 'humidity', minutes: 1 }); return h.values.temperature * 2 + (await env.device.notify({ text: '' })).sent.at;`,
    ],
    ['arithmetic with dates', `return new Date(2) - new Date(1);`],
    [
      'an error that was caught',
      `try { await env.device.notify({ text: '' }) } catch (e) { return e.message + e.code }`,
    ],
    [
      'sums begun with nothing',
      `const by = {}; for (const k of ['a']) by[k] = (by[k] ?? 0) + 1; return Object.entries(by).sort((a, b) => b[1] - a[1])`,
    ],
    [
      'what may be undefined',
      `const h = await env.device.read_history({ metric: 'humidity', minutes: 1 }); return h.points.at(-1).mean + h.points.find((p) => p.mean > 1).mean;`,
    ],
    [
      'casts, logs and timers',
      `console.log('x', 1); await new Promise((r) => setTimeout(r, 5)); return (1 as any).anything;`,
    ],
    ['an unknown parameter', `async function main(e: unknown) { return typeof e }`],
    [
      'lists grouped and sorted',
      `return Object.groupBy([1, 2], (n) => String(n % 2)), [1].toSorted(), new Set([1]).union(new Set([2])).size`,
    ],
  ])('%s', (_, program) => {
    expect(check(program)).toEqual([]);
  });
});

describe('the thread of the checker', () => {
  const compiler = new ProgramCompiler(systemClock);
  const thread = new ProgramChecker(systemClock);
  beforeAll(() => thread.warm());
  afterAll(async () => {
    thread.close();
    await compiler.close();
  });

  async function program(code: string): Promise<CompiledProgram> {
    const compiled = await compiler.compile(code);
    if (!compiled.ok) throw new Error(compiled.error.message);
    return compiled.program;
  }

  it('is there with TypeScript, and finds what is wrong', async () => {
    expect(whyNoTypeCheck()).toBeUndefined();
    const wrong = await program('return env.device.nothing()');
    // While it starts nothing is found.
    await expect.poll(() => thread.check(wrong, tools), { timeout: 15_000 }).toHaveLength(1);
  });

  it('is given up when it does not answer in time; the next program is checked by another', async () => {
    // Lists of types, built member by member.
    const lists = Array.from({ length: 40 }, (_, i) => `let x${i}: Build<${990 - i}>;`).join('\n');
    const endless = await program(
      `type Build<L extends number, T extends any[] = []> = T['length'] extends L ? T : Build<L, [...T, any]>;\n${lists}`,
    );
    const started = performance.now();
    expect(await thread.check(endless, tools)).toEqual([]);
    const tookMs = performance.now() - started;
    expect(tookMs).toBeGreaterThan(1_900);
    expect(tookMs).toBeLessThan(4_000);
    const wrong = await program('return env.device.nothing()');
    await expect.poll(() => thread.check(wrong, tools), { timeout: 15_000 }).toHaveLength(1);
  });
});
