import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeOf, prompt, said, startScheduler as start } from '../../support/scheduled-engine.ts';

describe('any schedule of the embedded engine', () => {
  it('answers everything, frees every block and lets nobody starve, in any order of events', () => {
    const priority = fc.constantFrom('alarm', 'interactive', 'background');
    const event = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          kind: fc.constant('ask' as const),
          agent: fc.nat(9),
          shared: fc.nat(3),
          length: fc.integer({ min: 1, max: 130 }),
          max: fc.integer({ min: 1, max: 40 }),
          priority,
          deadline: fc.option(fc.nat(80)),
        }),
      },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('step' as const), count: fc.nat(12) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat(30) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('choose' as const),
          agent: fc.nat(9),
          length: fc.integer({ min: 1, max: 60 }),
        }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('sleep' as const), agent: fc.nat(9) }) },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const { ask, choose, steps, finish, scheduler } = start({
          blocks: 14,
          contextTokens: 190,
          endsOneIn: 30,
        });
        const asked: { answer: ReturnType<typeof ask>; text: string | undefined }[] = [];
        for (const each of events) {
          if (each.kind === 'step') steps(each.count);
          else if (each.kind === 'abort') asked[each.which]?.answer.abort();
          else if (each.kind === 'choose')
            asked.push({
              answer: choose(prompt('which ', each.length), ['a', 'bcd', 'be'], `a/${each.agent}`),
              text: undefined,
            });
          else if (each.kind === 'sleep') {
            const blob = scheduler.memory.save(`a/${each.agent}`);
            if (blob !== undefined)
              scheduler.memory.restore(`a/${each.agent}`, blob, Int32Array.from([...blob.tokens]));
          } else {
            const text = prompt(`shared ${each.shared} `, each.length);
            const deadlineMs = each.deadline === null ? {} : { deadlineMs: each.deadline };
            const request = {
              agent: `a/${each.agent}`,
              prompt: text,
              maxTokens: each.max,
              priority: each.priority,
              ...deadlineMs,
            };
            const refused = codeOf(
              () =>
                void asked.push({
                  answer: ask(request),
                  text: said(text, Math.min(each.max, 190 - each.length), 30),
                }),
            );
            if (refused !== undefined) expect(refused).toMatchObject(['BRG_MODEL_OVERLOADED', {}]);
          }
        }
        finish();
        for (const { answer, text } of asked) {
          expect(answer.endedAt).toBeDefined();
          if (answer.error === undefined && text !== undefined) expect(answer.text).toBe(text);
          if (answer.error !== undefined)
            expect(['BRG_ABORTED', 'BRG_MODEL_TIMEOUT']).toContain(answer.error.code);
        }
        expect(scheduler.state).toMatchObject({ used: 0, running: 0, waiting: 0 });
      }),
      { numRuns: 200 },
    );
  });
});
