/** What every engine of Code Mode must do. Run over each. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostileTools, ProgramRuns } from '../support/program-runs.ts';
import { attackAll } from '../support/hostile-runs.ts';
import { corpus } from '../tools/corpus/index.ts';
import { binding, testApprovals } from './executor-approvals.ts';

/** Programs of the corpus in a run of the suite; `npm run bench codemode-corpus` runs all. Another seed picks others. */
const SAMPLE = 14;
const SEED = Number(process.env['MOORING_TEST_SEED'] ?? 1);

const history = binding('history', {
  inputSchema: {
    type: 'object',
    properties: { id: { type: 'string' }, hours: { type: 'integer', minimum: 1, maximum: 48 } },
    required: ['id'],
    additionalProperties: false,
  },
  call: (args) => ({ kind: 'value', value: { args, points: [1, 2, 3] } }),
});

export function testExecutor(engine: 'workerd' | 'quickjs'): void {
  let runs: ProgramRuns;
  beforeAll(async () => {
    runs = await ProgramRuns.open(engine);
    await Promise.all([runs.executor.warm(), runs.compiler.warm()]);
  }, 60_000);
  afterAll(() => runs.close());

  async function valueOf(code: string, options: Parameters<ProgramRuns['run']>[1] = {}): Promise<unknown> {
    const { end } = await runs.run(code, options);
    return end.kind === 'done' ? end.value : end;
  }

  describe(`${engine}: programs`, () => {
    it.each([
      ['an expression', '1 + 1', 2],
      ['an arrow function', 'async () => {\n  return { ok: true };\n};\n// the end', { ok: true }],
      ['a default export', 'const k = 3;\nexport default async (e) => k * 2;', 6],
      ['a fenced block', 'Here:\n```ts\nconst x: number[] = [1];\nreturn x\n```\nDone.', [1]],
      ['nothing', 'const a = 1;', null],
    ])('run when written as %s', async (_, code, value) => {
      expect(await valueOf(code)).toEqual(value);
    });

    it('call tools, one after the other and at once', async () => {
      const code = `const first = await env.pump.history({ id: 'p1' });
        const more = await Promise.all(['p2', 'p3'].map((id) => env.pump.history({ id, hours: 2 })));
        return [first, ...more].map((h) => h.args.id + h.points.length);`;
      const result = await runs.run(code, { bindings: [history] });
      expect(result.end).toEqual({ kind: 'done', value: ['p13', 'p23', 'p33'] });
      expect(result.calls.map(({ sequence, tool, decision }) => [sequence, tool, decision])).toEqual([
        [0, 'history', 'live'],
        [1, 'history', 'live'],
        [2, 'history', 'live'],
      ]);
    });

    it('get errors of tools as errors they can catch, and arguments checked before the tool', async () => {
      const code = `const seen = [];
        for (const args of [{}, { id: 1 }, { id: 'x', hours: 99 }, { id: 'x', extra: 1 }]) {
          try { await env.pump.history(args) } catch (e) { seen.push([e.name, e.code, e.message]) }
        }
        return seen;`;
      const seen = await valueOf(code, { bindings: [history] });
      expect(seen).toEqual([
        ['ToolError', 'bad-arguments', expect.stringContaining('id: is missing')],
        ['ToolError', 'bad-arguments', expect.stringContaining('id: expected string, got number')],
        ['ToolError', 'bad-arguments', expect.stringContaining('hours: at most 48')],
        ['ToolError', 'bad-arguments', expect.stringContaining('extra: is not known')],
      ]);
    });

    it('see the same random numbers and one time in every run', async () => {
      const code = `const t = Date.now(); let s = 0; for (let i = 0; i < 1e5; i++) s += i;
        return [Math.random(), Math.random(), Date.now() - t, new Date().toISOString(), new Date(0).getTime()]`;
      const options = { seed: 42, nowMs: Date.UTC(2026, 0, 2) };
      const first = await valueOf(code, options);
      expect(first).toEqual([expect.any(Number), expect.any(Number), 0, '2026-01-02T00:00:00.000Z', 0]);
      expect(await valueOf(code, options)).toEqual(first);
      expect(await valueOf(code, { ...options, seed: 43 })).not.toEqual(first);
    });

    it('exchange any text with tools, line separators included', async () => {
      const text = 'a\u2028b\u2029c\r\nd\u0085e\u0000f😀\ud800'.repeat(2000);
      const code = `const t = ${JSON.stringify(text.slice(0, 14))}.repeat(2000); return (await env.t.echo({ t })).t === t`;
      expect(await valueOf(code)).toBe(true);
    });

    it('log lines, with levels', async () => {
      const { logs } = await runs.run(
        `console.log('a', { b: 1 }); console.warn('w'); console.error(new TypeError('t'))`,
      );
      expect(logs).toEqual([
        { level: 'log', text: 'a {"b":1}' },
        { level: 'warn', text: 'w' },
        { level: 'error', text: 'TypeError: t' },
      ]);
    });

    it('fail with the place in the text the model wrote', async () => {
      const thrown = await valueOf('```ts\nconst a: number = 1;\n\n   throw new RangeError("no " + a);\n```');
      expect(thrown).toEqual({
        kind: 'failed',
        error: expect.objectContaining({ code: 'threw', message: 'RangeError: no 1', line: 4 }),
      });
      expect(await valueOf('await new Promise(() => {})')).toEqual({
        kind: 'failed',
        error: expect.objectContaining({ code: 'stuck' }),
      });
      expect(await valueOf('const o = {}; o.o = o; o')).toEqual({
        kind: 'failed',
        error: expect.objectContaining({ code: 'result' }),
      });
    });

    it.each([
      ['a tool that fails', 'const a = 1;\n\n  await env.t.fail({});', 3],
      [
        'arguments that do not fit',
        'const all = [1, 2].map((id) =>\n  env.pump.history({ id }),\n);\nawait Promise.all(all);',
        2,
      ],
      [
        'a call in a function after an await',
        'async function read() {\n  await env.t.echo({});\n  return await env.t.fail({});\n}\nconst a = await read();\nreturn a;',
        3,
      ],
      ['a tool that is not there', 'const a: number = 1;\nawait env.t.ecko({});', 2],
      ['a value that is not there', '// a comment\nconst o: any = {};\no.points.length;', 3],
      ['a name that is not there', 'const a = [1];\na.map((one) => {\n  return ona + 1;\n});', 3],
    ])("fail with a line of the model's text for %s", async (_, code, line) => {
      expect(await valueOf(code, { bindings: [...hostileTools, history] })).toMatchObject({
        kind: 'failed',
        error: { code: 'threw', line },
      });
    });

    it('know nothing of the run before', async () => {
      await runs.run('globalThis.left = 1; Array.prototype.left = 1; return 1');
      expect(await valueOf('return [typeof left, [].left ?? null]')).toEqual(['undefined', null]);
    });
  });

  describe(`${engine}: budgets`, () => {
    it.each([
      ['wall', 'await env.t.hang({})', { wallMs: 300 }],
      ['cpu', 'for (;;) {}', { cpuMs: 200 }],
      [
        'memory',
        'const a = []; for (let i = 0; ; i++) a.push(new Uint8Array(1e6).fill(1))',
        { memoryBytes: 48e6, cpuMs: 20_000 },
      ],
      ['calls', 'for (;;) await env.t.echo({})', { callsMax: 5 }],
      [
        'bytes-out',
        'for (let i = 0; i < 50; i++) await env.t.echo({ x: "x".repeat(1000) })',
        { bytesOutMax: 20_000 },
      ],
      [
        'bytes-in',
        'for (let i = 0; i < 50; i++) await env.t.echo({ x: "x".repeat(1000) })',
        { bytesInMax: 20_000 },
      ],
    ] as const)('%s ends the run', async (limit, code, limits) => {
      const { end } = await runs.run(code, { limits: { wallMs: 20_000, ...limits } });
      expect(end).toEqual({ kind: 'budget', limit });
    });

    it('bound logs, results, arguments, the time of a call and how many run at once', async () => {
      const { logs } = await runs.run('for (let i = 0; i < 1e4; i++) console.log(i)', {
        limits: { logLinesMax: 7 },
      });
      expect(logs).toHaveLength(7);
      expect(await valueOf('"x".repeat(2000)', { limits: { resultBytesMax: 1000 } })).toMatchObject({
        error: { code: 'result' },
      });
      expect(
        await valueOf('await env.t.echo("x".repeat(2000))', { limits: { argumentBytesMax: 1000 } }),
      ).toMatchObject({ kind: 'failed' });
      expect(await valueOf('await env.t.hang({})', { limits: { callMs: 50 } })).toMatchObject({
        error: { toolCode: 'timeout' },
      });
      let open = 0;
      let most = 0;
      const slow = binding('slow', {
        async call() {
          most = Math.max(most, ++open);
          await new Promise((resume) => setTimeout(resume, 5));
          open--;
          return { kind: 'value', value: 1 };
        },
      });
      const code = 'return (await Promise.all(Array.from({ length: 20 }, () => env.pump.slow({})))).length';
      expect(await valueOf(code, { bindings: [slow], limits: { parallelCallsMax: 3 } })).toBe(20);
      expect(most).toBe(3);
    });

    it('a rate is an error the program can catch', async () => {
      const rare = binding('rare', {
        rate: { callsMax: 1, perMs: 60_000 },
        call: () => ({ kind: 'value', value: 1 }),
      });
      const code = 'await env.pump.rare({}); try { await env.pump.rare({}) } catch (e) { return e.code }';
      expect(await valueOf(code, { bindings: [rare] })).toBe('rate-limited');
    });

    it('a call that cannot be recorded ends the run before the program learns of it', async () => {
      const onCall = (): void => {
        throw new Error('the disk is full');
      };
      const { end, calls } = await runs.run('await env.t.echo({}); await env.t.echo({})', { onCall });
      expect(end).toEqual({ kind: 'crashed', message: expect.stringContaining('the disk is full') });
      expect(calls).toHaveLength(1);
    });

    it('a cancelled run ends, and its tools are told', async () => {
      const cancel = new AbortController();
      let told = false;
      const wait = binding('wait', {
        call: (_, { signal }) => {
          signal.addEventListener('abort', () => (told = true));
          cancel.abort();
          return new Promise(() => undefined);
        },
      });
      expect(await valueOf('await env.pump.wait({})', { bindings: [wait], signal: cancel.signal })).toEqual({
        kind: 'cancelled',
      });
      expect(told).toBe(true);
    });
  });

  testApprovals(engine, () => runs, history);

  describe(`${engine}: hostile programs`, () => {
    const offset = SEED % corpus.length;
    const step = Math.max(1, Math.floor(corpus.length / SAMPLE));
    const sample = [...corpus.slice(offset), ...corpus.slice(0, offset)]
      .filter((_, i) => i % step === 0)
      .slice(0, SAMPLE);
    it('are contained, hold this process up for less than 200 ms, and the run after each is fine', async () => {
      const { problems } = await attackAll(runs, sample, 2);
      expect(problems).toEqual([]);
      expect(runs.connections).toBe(0);
    }, 120_000);
  });
}
