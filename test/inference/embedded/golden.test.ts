/**
 * Against llama.cpp's greedy tokens (golden.json, made by golden.ts). llama.cpp keeps keys and values as f16, and rounds
 * activations to f16 or int8 where weights are; ours stay f32. Random weights, unlike trained ones, leave many
 * near ties, so each of its 1,600 tokens is held against the best by the distance of their log-probabilities.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Engine } from '../../../src/inference/embedded/engine.ts';
import { engineOf, openEngine } from '../../../src/inference/embedded/open-engine.ts';
import { goldenFile, goldenModel, goldenPrompts, sha256Of, shippedModel, type Golden } from './golden.ts';

const golden = JSON.parse(readFileSync(goldenFile, 'utf8')) as Golden; // our own file

/** How far the token llama.cpp chose is behind the one that is chosen here, at each place; 0: the same. */
function distances(engine: Engine, prompt: readonly number[], answer: readonly number[]): number[] {
  const tokens = [...prompt, ...answer.slice(0, -1)];
  const count = answer.length;
  const ask = (targets: Int32Array): Float32Array =>
    engine.step({
      rows: Int32Array.from(
        tokens.flatMap((token, position) => [0, token, position, position >= prompt.length - 1 ? 1 : 0]),
      ),
      tables: [Int32Array.from({ length: BLOCKS }, (_, block) => block)],
      masks: Array<undefined>(count).fill(undefined),
      temperatures: new Float32Array(count),
      seeds: new Uint32Array(count),
      targets,
    }).logProbabilities;
  const best = ask(new Int32Array(count).fill(-1));
  return Array.from(ask(Int32Array.from(answer)), (value, index) => (best[index] ?? 0) - value);
}

const BLOCKS = 32;
const engines = {
  f32: engineOf(goldenModel('f32'), { precision: 'f32', blocks: BLOCKS }),
  f16: engineOf(goldenModel('f16'), { precision: 'f32', blocks: BLOCKS }),
  q8_0: engineOf(goldenModel('q8_0'), { precision: 'f32', blocks: BLOCKS }),
};

it.each([
  { type: 'f32', same: 1595, apart: 0.005 },
  { type: 'f16', same: 1597, apart: 0.005 },
  { type: 'q8_0', same: 1529, apart: 0.15 },
] as const)(
  'of 1,600 tokens on $type weights $same are llama.cpp’s, the others within $apart of the best',
  ({ type, same, apart }) => {
    const found = goldenPrompts().flatMap((prompt, index) =>
      distances(engines[type], prompt, golden.answers[type][index] ?? []),
    );
    expect(found.length).toBe(1600);
    expect(Math.max(...found)).toBeLessThan(apart);
    expect(found.filter((distance) => distance === 0).length).toBeGreaterThanOrEqual(same);
  },
);

it('of the shipped model, every token of 100 sentences that it never saw is llama.cpp’s', () => {
  const { sha256, prompts, answers } = golden.shipped;
  expect(sha256, 'golden.json is of this model file: see golden.ts').toBe(sha256Of(shippedModel));
  const engine = openEngine(shippedModel, { precision: 'f32', blocks: BLOCKS });
  const wrong = prompts.filter((prompt, index) =>
    distances(engine, prompt, answers[index] ?? []).some((distance) => distance !== 0),
  );
  engine.close();
  expect(prompts).toHaveLength(100);
  expect(answers.flat().length).toBeGreaterThan(700);
  expect(wrong).toEqual([]);
});
