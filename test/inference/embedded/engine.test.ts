import { describe, expect, it } from 'vitest';
import type { Engine, StepResult } from '../../../src/inference/embedded/engine.ts';
import { engineOf } from '../../../src/inference/embedded/open-engine.ts';
import { Random } from '../../fuzz/random.ts';
import { randomModel } from '../../support/random-model.ts';

/** A row: sequence, token, position, and what is wanted of it. */
type Row = readonly [number, number, number, Wish?];

interface Wish {
  readonly mask?: Uint32Array;
  readonly temperature?: number;
  readonly seed?: number;
  readonly target?: number;
}

const GREEDY: Wish = {};

function stepOf(engine: Engine, tables: readonly Int32Array[], rows: readonly Row[]): StepResult {
  const wishes = rows.flatMap(([, , , wish]) => (wish === undefined ? [] : [wish]));
  return engine.step({
    rows: Int32Array.from(
      rows.flatMap(([sequence, token, position, wish]) => [sequence, token, position, wish ? 1 : 0]),
    ),
    tables,
    masks: wishes.map(({ mask }) => mask),
    temperatures: Float32Array.from(wishes, ({ temperature = 0 }) => temperature),
    seeds: Uint32Array.from(wishes, ({ seed = 0 }) => seed),
    targets: Int32Array.from(wishes, ({ target = -1 }) => target),
  });
}

function prompt(seed: number, length: number): number[] {
  const random = new Random(seed);
  return Array.from({ length }, () => random.below(288));
}

const rowsOf = (sequence: number, tokens: readonly number[], first = 0): Row[] =>
  tokens.map((token, index) =>
    index === tokens.length - 1 ? [sequence, token, first + index, GREEDY] : [sequence, token, first + index],
  );

/** Greedy tokens after a prompt, and their log-probabilities; the prompt in pieces of `chunk`. */
function generate(
  engine: Engine,
  table: Int32Array,
  tokens: readonly number[],
  count: number,
  chunk = Infinity,
): number[] {
  const found: number[] = [];
  let result: StepResult | undefined;
  for (let first = 0; first < tokens.length; first += chunk)
    result = stepOf(engine, [table], rowsOf(0, tokens.slice(first, first + chunk), first));
  for (let position = tokens.length; ; position++) {
    const token = result!.tokens[0]!;
    found.push(token, result!.logProbabilities[0]!);
    if (found.length === 2 * count) return found;
    result = stepOf(engine, [table], [[0, token, position, GREEDY]]);
  }
}

const blocks = (...ids: number[]): Int32Array => Int32Array.from(ids);

describe.each(['int8', 'f32'] as const)('the engine, %s', (precision) => {
  const bytes = randomModel({ isUntied: true });
  const open = (options = {}): Engine => engineOf(bytes, { precision, blocks: 64, ...options });
  const engine = open();
  const tokens = prompt(1, 37);
  const expected = generate(engine, blocks(0, 1, 2, 3, 4), tokens, 20);

  it('gives the same tokens and log-probabilities, to the last bit, with either build of the kernels', () => {
    expect(new Set(expected).size).toBeGreaterThan(20);
    for (const kernels of ['relaxed', 'simd'] as const)
      expect(generate(open({ kernels }), blocks(0, 1, 2, 3, 4), tokens, 20)).toEqual(expected);
  });

  it('gives the same however the prompt is cut, whichever blocks it lies in, whoever else is in the step', () => {
    for (const chunk of [1, 7, 16, 36])
      expect(generate(engine, blocks(9, 3, 60, 11, 0), tokens, 20, chunk)).toEqual(expected);
    // 20 sequences of 37 rows are more than one call takes.
    const tables = Array.from({ length: 20 }, (_, index) => blocks(3 * index, 3 * index + 1, 3 * index + 2));
    const result = stepOf(
      engine,
      tables,
      tables.flatMap((_, index) => rowsOf(index, index % 5 === 0 ? tokens : prompt(100 + index, 37))),
    );
    for (let index = 0; index < 20; index++) {
      const isSame = result.tokens[index] === expected[0] && result.logProbabilities[index] === expected[1];
      expect(isSame).toBe(index % 5 === 0);
    }
  });

  it('lets sequences share the blocks of a prefix, and a copy of its last block go another way', () => {
    const prefix = tokens.slice(0, 20);
    stepOf(engine, [blocks(0, 1)], rowsOf(0, prefix));
    engine.copyBlock(1, 2);
    const tables = [blocks(0, 1, 5), blocks(0, 2, 6)];
    const other = prompt(2, 17);
    const both = stepOf(engine, tables, [...rowsOf(0, tokens.slice(20), 20), ...rowsOf(1, other, 20)]);
    const alone = stepOf(engine, [blocks(10, 11, 12)], rowsOf(0, [...prefix, ...other]));
    expect([both.tokens[0], both.logProbabilities[0]]).toEqual(expected.slice(0, 2));
    expect([both.tokens[1], both.logProbabilities[1]]).toEqual([alone.tokens[0], alone.logProbabilities[0]]);
  });

  it('has log-probabilities of all tokens that sum to 1, those of a mask too', () => {
    const mask = new Uint32Array(9);
    mask[2] = 0xf00f0;
    const ask = (wishes: readonly Wish[]): StepResult =>
      stepOf(
        engine,
        wishes.map(() => blocks(0, 1)),
        wishes.map((wish, index): Row => [index, 65, 0, wish]),
      );
    const all = ask(Array.from({ length: 288 }, (_, target) => ({ target })));
    expect(all.logProbabilities.reduce((sum, value) => sum + Math.exp(value), 0)).toBeCloseTo(1, 5);
    const best = all.logProbabilities.indexOf(Math.max(...all.logProbabilities));
    expect(ask([GREEDY]).tokens[0]).toBe(best);
    const masked = ask(Array.from({ length: 288 }, (_, target) => ({ target, mask })));
    const allowed = [...masked.logProbabilities.entries()].filter(([, value]) => value > -Infinity);
    expect(allowed.map(([token]) => token)).toEqual([68, 69, 70, 71, 80, 81, 82, 83]);
    expect(allowed.reduce((sum, [, value]) => sum + Math.exp(value), 0)).toBeCloseTo(1, 5);
    const [top] = allowed.toSorted(([, a], [, b]) => b - a)[0]!;
    expect(ask([{ mask }]).tokens[0]).toBe(top);
  });

  it('draws tokens as often as they are likely at a temperature, and the same for the same seed', () => {
    const mask = new Uint32Array(9);
    mask[2] = 0xf;
    const wishes = Array.from({ length: 100 }, (_, target) => ({ target: 64 + (target % 4), mask }));
    const exact = stepOf(
      engine,
      [blocks(0)],
      wishes.map((wish): Row => [0, 65, 0, wish]),
    ).logProbabilities.slice(0, 4);
    const weights = exact.map((value) => Math.exp(value / 2));
    const draw = (): Int32Array =>
      stepOf(
        engine,
        [blocks(0)],
        Array.from({ length: 4000 }, (_, seed): Row => [0, 65, 0, { seed, mask, temperature: 2 }]),
      ).tokens;
    const drawn = draw();
    expect(draw()).toEqual(drawn);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    weights.forEach((weight, index) => {
      const share = drawn.filter((token) => token === 64 + index).length / 4000;
      expect(Math.abs(share - weight / total)).toBeLessThan(0.03);
    });
  });

  it('keeps blocks as bytes from which it goes on as before, nearly; refuses others and changes nothing', () => {
    stepOf(engine, [blocks(0, 1, 2)], rowsOf(0, tokens));
    const kept = engine.readBlocks(blocks(0, 1, 2));
    expect(kept.length).toBe(48 * engine.info.storedBytesPerToken);
    expect(engine.info.storedBytesPerToken).toBeLessThan(engine.info.kvBytesPerToken / 2.5);
    const other = open();
    other.writeBlocks(blocks(7, 8, 9), kept);
    const wish = { target: 65 };
    const [a, b] = [engine, other].map(
      (each) =>
        stepOf(each, [each === engine ? blocks(0, 1, 2) : blocks(7, 8, 9)], [[0, 1, 37, wish]])
          .logProbabilities[0]!,
    );
    expect(Math.abs(a! - b!)).toBeLessThan(0.2);
    const again = other.readBlocks(blocks(7, 8));
    const broken = kept.slice();
    new DataView(broken.buffer).setFloat32(kept.length - 20, NaN, true); // a factor of the last token, or what is no number
    expect(() => other.writeBlocks(blocks(7, 8), kept)).toThrow(
      expect.objectContaining({ code: 'BRG_MODEL_STATE' }),
    );
    broken.fill(0xff, 0, 4);
    expect(() => other.writeBlocks(blocks(7, 8, 9), broken)).toThrow(/no number/);
    expect(other.readBlocks(blocks(7, 8))).toEqual(again);
  });

  it('says what it is, and that of the same file and precision KV fits', () => {
    expect(engine.info).toMatchObject({
      architecture: 'llama',
      vocabulary: 288,
      contextTokens: 256,
      blockTokens: 16,
      blocks: 64,
    });
    expect(open().info.fingerprint).toBe(engine.info.fingerprint);
    expect(engineOf(randomModel({ seed: 2 }), { precision }).info.fingerprint).not.toBe(
      engine.info.fingerprint,
    );
    const other = precision === 'int8' ? 'f32' : 'int8';
    expect(open({ precision: other }).info.fingerprint).not.toBe(engine.info.fingerprint);
  });

  it.each<[string, readonly Int32Array[], Row]>([
    ['a token', [blocks(0)], [0, 288, 0]],
    ['a position', [blocks(0)], [0, 1, 256]],
    ['a block for its position', [blocks(0)], [0, 1, 16]],
    ['a block for its position', [], [0, 1, 0]],
    ['blocks there are', [blocks(64)], [0, 1, 0]],
    ['of the vocabulary', [blocks(0)], [0, 1, 0, { target: 288 }]],
    ['leaves a token', [blocks(0)], [0, 1, 0, { mask: new Uint32Array(9) }]],
    ['a bit for each token', [blocks(0)], [0, 1, 0, { mask: new Uint32Array(8) }]],
  ])('refuses a row that misses %s', (what, tables, row) => {
    expect(() => stepOf(engine, tables, [row])).toThrow(what);
    expect(generate(engine, blocks(0, 1, 2, 3, 4), tokens, 2)).toEqual(expected.slice(0, 4));
  });
});

describe('models of other shapes', () => {
  it.each([
    { type: 'f32' },
    { type: 'f16', isUntied: true },
    { heads: 4, kvHeads: 4 },
    { width: 96, heads: 6, kvHeads: 2, feedForward: 96 },
    { width: 128, heads: 4, kvHeads: 1, layers: 1 },
  ] as const)('%j: int8 is near f32', (shape) => {
    const bytes = randomModel({ isUntied: true, ...shape });
    const tokens = prompt(3, 20);
    const [exact, near] = (['f32', 'int8'] as const).map((precision) => {
      const engine = engineOf(bytes, { precision, blocks: 4 });
      return stepOf(
        engine,
        [blocks(0, 1)],
        tokens.map((token, position): Row => [0, token, position, { target: tokens[position + 1] ?? 0 }]),
      ).logProbabilities;
    });
    exact!.forEach((value, index) => expect(Math.abs(value - near![index]!)).toBeLessThan(1));
    const error =
      exact!.reduce((sum, value, index) => sum + Math.abs(value - near![index]!), 0) / tokens.length;
    expect(error).toBeLessThan(0.25);
    expect(error).toBeGreaterThan(0);
  });

  it('of weights that are no numbers are said to be such when they are asked', () => {
    const bytes = randomModel({ type: 'f32', layers: 1 });
    bytes.fill(0xff, bytes.length - 64);
    const engine = engineOf(bytes, { blocks: 1 });
    expect(() => stepOf(engine, [blocks(0)], [[0, 1, 0, GREEDY]])).toThrow(
      expect.objectContaining({ code: 'BRG_MODEL_FILE' }),
    );
  });

  it('that need more memory than there may be are refused before it is taken', () => {
    expect(() => engineOf(randomModel(), { blocks: 10_000_000 })).toThrow(/bytes of memory/);
  });
});
