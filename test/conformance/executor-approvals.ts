/** Abort and replay, as every engine of Code Mode must do it. Part of `testExecutor`. */
import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/tools/codemode/run-result.ts';
import type { ToolBinding } from '../../src/tools/codemode/tool-host.ts';
import type { ProgramRuns } from '../support/program-runs.ts';

/** A tool of namespace `pump`. */
export function binding(name: string, more: Partial<ToolBinding> & Pick<ToolBinding, 'call'>): ToolBinding {
  return { namespace: 'pump', name, description: name, inputSchema: { type: 'object' }, ...more };
}

/** @param history a tool that answers three points */
export function testApprovals(engine: string, runs: () => ProgramRuns, history: ToolBinding): void {
  describe(`${engine}: approvals`, () => {
    const code = `const before = await env.pump.history({ id: 'p1' });
      const r = Math.random();
      const stopped = await env.pump.stop({ id: 'p1', r });
      return [before.points.length, r, stopped];`;

    function tools(): { readonly bindings: ToolBinding[]; readonly made: string[] } {
      const made: string[] = [];
      const counted = binding('history', {
        call: (args) => (made.push('history'), history.call(args, context)),
      });
      const stop = binding('stop', {
        call: (_, { isApproved }) => {
          if (!isApproved) return { kind: 'approval', reason: 'stops a pump' };
          made.push('stop');
          return { kind: 'value', value: 'stopped' };
        },
      });
      return { bindings: [counted, stop], made };
    }
    const context = { signal: new AbortController().signal, sequence: 0, isApproved: false };

    async function pause(bindings: readonly ToolBinding[]): Promise<RunResult> {
      const result = await runs().run(code, { bindings, seed: 5 });
      expect(result.end).toMatchObject({
        kind: 'paused',
        pending: [{ sequence: 1, tool: 'stop', reason: 'stops a pump' }],
      });
      return result;
    }

    it('pause the run, and go on from its record with each call made once', async () => {
      const { bindings, made } = tools();
      const paused = await pause(bindings);
      const pending = paused.end.kind === 'paused' ? paused.end.pending : [];
      const decisions = pending.map((call) => ({ ...call, kind: 'approved' as const }));
      const result = await runs().run(code, {
        bindings,
        seed: paused.seed,
        recorded: paused.calls,
        decisions,
      });
      expect(result.end).toEqual({ kind: 'done', value: [3, expect.any(Number), 'stopped'] });
      expect(made).toEqual(['history', 'stop']);
      expect(result.calls.map(({ decision }) => decision)).toEqual(['recorded', 'approved']);
    });

    it('a denial is an error the program can catch', async () => {
      const { bindings, made } = tools();
      const paused = await pause(bindings);
      const pending = paused.end.kind === 'paused' ? paused.end.pending : [];
      const decisions = pending.map((call) => ({ ...call, kind: 'denied' as const, reason: 'not today' }));
      const { end } = await runs().run(code, {
        bindings,
        seed: paused.seed,
        recorded: paused.calls,
        decisions,
      });
      expect(end).toMatchObject({ kind: 'failed', error: { toolCode: 'denied', message: 'not today' } });
      expect(made).toEqual(['history']);
    });

    it('bind to program, call and arguments: what differs is not made', async () => {
      const { bindings, made } = tools();
      const paused = await pause(bindings);
      const pending = paused.end.kind === 'paused' ? paused.end.pending : [];
      const decisions = pending.map((call) => ({ ...call, kind: 'approved' as const }));
      const otherSeed = await runs().run(code, { bindings, seed: 6, recorded: paused.calls, decisions });
      expect(otherSeed.end).toMatchObject({ kind: 'failed', error: { code: 'diverged' } });
      const otherProgram = await runs().run(`${code} `, { bindings, seed: paused.seed, decisions });
      expect(otherProgram.end).toMatchObject({ kind: 'paused' });
      const shorter = await runs().run('return 1', { bindings, recorded: paused.calls });
      expect(shorter.end).toMatchObject({ kind: 'failed', error: { code: 'diverged' } });
      expect(made).toEqual(['history', 'history']);
    });

    it('are asked about together when they were made together, and a call beside them is made once', async () => {
      const { bindings, made } = tools();
      const together = `const [a, b, c] = await Promise.all([env.pump.stop({ n: 1 }), env.pump.history({}), env.pump.stop({ n: 2 })]); return [a, c];`;
      const paused = await runs().run(together, { bindings });
      expect(paused.end).toMatchObject({ kind: 'paused', pending: [{ sequence: 0 }, { sequence: 2 }] });
      const pending = paused.end.kind === 'paused' ? paused.end.pending : [];
      const decisions = pending.map((call) => ({ ...call, kind: 'approved' as const }));
      const { seed, calls: recorded } = paused;
      const result = await runs().run(together, { bindings, seed, recorded, decisions });
      expect(result.end).toEqual({ kind: 'done', value: ['stopped', 'stopped'] });
      expect(made).toEqual(['history', 'stop', 'stop']);
    });

    it('replay calls made at once in the order of their answers', async () => {
      const made: string[] = [];
      const step = binding('step', {
        async call(args) {
          const { id, n } = args as { id: number; n: number }; // the program below sends them
          made.push(`${id}.${n}`);
          await new Promise((resume) => setTimeout(resume, id === 1 ? 40 : 5));
          return { kind: 'value', value: id };
        },
      });
      const { bindings } = tools();
      const parallel = `await Promise.all([1, 2, 3].map(async (id) => { for (let n = 0; n < 3; n++) await env.pump.step({ id, n }) }));
        return await env.pump.stop({});`;
      const paused = await runs().run(parallel, { bindings: [...bindings, step] });
      const pending = paused.end.kind === 'paused' ? paused.end.pending : [];
      const decisions = pending.map((call) => ({ ...call, kind: 'approved' as const }));
      const result = await runs().run(parallel, {
        bindings: [...bindings, step],
        recorded: paused.calls,
        decisions,
      });
      expect(result.end).toEqual({ kind: 'done', value: 'stopped' });
      expect(made).toHaveLength(9);
    });
  });
}
