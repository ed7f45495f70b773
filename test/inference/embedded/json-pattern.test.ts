import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BridgeError } from '../../../src/base/errors.ts';
import { ByteAutomaton, DEAD } from '../../../src/inference/embedded/byte-automaton.ts';
import { jsonPattern } from '../../../src/inference/embedded/json-pattern.ts';
import type { Pattern } from '../../../src/inference/embedded/pattern.ts';
import { TokenConstraint } from '../../../src/inference/embedded/token-constraint.ts';
import { Vocabulary } from '../../../src/inference/embedded/vocabulary.ts';
import type { Tokenizer } from '../../../src/inference/embedded/engine.ts';

function takes(pattern: Pattern, text: string): boolean {
  const automaton = new ByteAutomaton(pattern);
  let state = 0;
  for (const byte of Buffer.from(text)) if ((state = automaton.next(state, byte)) === DEAD) return false;
  return automaton.isAccepting(state);
}
const fits = (schema: unknown, value: unknown): boolean => takes(jsonPattern(schema), JSON.stringify(value));

/** Longest first, as a greedy tokenizer: tokens of several bytes, and all single ones. */
function tokenizerOf(words: readonly string[]): Tokenizer {
  const bytes = [
    ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
    ...words.map((word) => Buffer.from(word)),
  ];
  const bySize = bytes
    .map((_, token) => token)
    .sort((a, b) => (bytes[b]?.length ?? 0) - (bytes[a]?.length ?? 0));
  return {
    vocabulary: bytes.length + 1,
    eos: bytes.length,
    bos: -1,
    encode(text) {
      const tokens: number[] = [];
      for (let rest = Buffer.from(text); rest.length > 0;) {
        const token =
          bySize.find((each) => rest.subarray(0, bytes[each]?.length).equals(bytes[each] ?? rest)) ?? 0;
        tokens.push(token);
        rest = rest.subarray(bytes[token]?.length ?? 1);
      }
      return Int32Array.from(tokens);
    },
    decode: (tokens) => Buffer.concat([...tokens].map((token) => bytes[token] ?? Buffer.alloc(0))).toString(),
    bytesOf: (token) => bytes[token] ?? new Uint8Array(0),
    tokenNamed: () => undefined,
  };
}

const WORDS = [
  'open',
  'opened',
  'close',
  '"command"',
  '":',
  '{"',
  'com',
  'mand',
  '"}',
  'é',
  ' the',
  '12',
  '123',
];
const vocabularyOf = (tokenizer: Tokenizer) => new Vocabulary(tokenizer, tokenizer.vocabulary);
const allowed = (mask: Uint32Array, size: number): number[] =>
  Array.from({ length: size }, (_, token) => token).filter(
    (token) => ((mask[token >>> 5] ?? 0) >>> (token & 31)) & 1,
  );

const RULE = {
  type: 'object',
  properties: {
    metric: { enum: ['temperature', 'humidity'] },
    op: { type: 'string', enum: ['>', '<'] },
    value: { type: 'number' },
    forMs: { type: 'integer' },
    tags: { type: 'array', items: { type: 'string', maxLength: 5 }, maxItems: 2 },
    on: { anyOf: [{ type: 'boolean' }, { type: 'null' }] },
  },
  required: ['metric', 'value'],
  additionalProperties: false,
} as const;

describe('the pattern of a JSON Schema', () => {
  it.each([
    [{ metric: 'humidity', value: -3.25 }, true],
    [{ metric: 'humidity', op: '<', value: 0, forMs: 60000, tags: [], on: null }, true],
    [{ metric: 'humidity', value: 1, tags: ['a', 'é"\\\n'] }, true],
    [{ metric: 'humidity', value: 1, tags: ['a', 'b', 'c'] }, false],
    [{ metric: 'humidity', value: 1, tags: ['abcdef'] }, false],
    [{ metric: 'pressure', value: 1 }, false],
    [{ value: 1, metric: 'humidity' }, false],
    [{ metric: 'humidity' }, false],
    [{ metric: 'humidity', value: '1' }, false],
    [{ metric: 'humidity', value: 1, more: 1 }, false],
  ])('takes %j: %s', (value, is) => expect(fits(RULE, value)).toBe(is));

  it('follows references and joins parts', () => {
    const schema = {
      $defs: { n: { type: 'integer' } },
      allOf: [
        { type: 'object', properties: { a: { $ref: '#/$defs/n' } }, required: ['a'] },
        { properties: { b: { const: [1, 'x'] } } },
      ],
    };
    expect([
      fits(schema, { a: 1, b: [1, 'x'] }),
      fits(schema, { a: 1 }),
      fits(schema, { b: [1, 'x'] }),
    ]).toEqual([true, true, false]);
  });

  it('takes what JSON.stringify makes of any flat value where the schema says nothing', () => {
    const flat = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(fc.oneof(flat, fc.array(flat), fc.dictionary(fc.string(), flat)), (value) =>
        fits({}, value),
      ),
      { numRuns: 200 },
    );
  });

  it.each([
    ['recursion', { $defs: { a: { type: 'array', items: { $ref: '#/$defs/a' } } }, $ref: '#/$defs/a' }],
    ['negation', { not: {} }],
    ['an unknown type', { type: 'date' }],
    ['a foreign reference', { $ref: 'https://example.com/schema' }],
    [
      'a size no automaton has',
      {
        type: 'array',
        minItems: 32,
        items: { type: 'array', minItems: 32, items: { type: 'array', minItems: 32, items: {} } },
      },
    ],
  ])('refuses %s', (_, schema) => {
    expect(() => new ByteAutomaton(jsonPattern(schema))).toThrow(
      expect.objectContaining({ code: 'BRG_MODEL_PATTERN' }) as BridgeError,
    );
  });
});

describe('a pattern in tokens', () => {
  const tokenizer = tokenizerOf(WORDS);
  const vocabulary = vocabularyOf(tokenizer);

  it('leaves exactly the tokens whose bytes the automaton takes', () => {
    const pattern: Pattern = {
      oneOf: ['open', 'opened é', 'close', { repeat: { from: '0', to: '9' }, min: 2, max: 3 }],
    };
    const constraint = new TokenConstraint(pattern, vocabulary);
    const automaton = new ByteAutomaton(pattern);
    const walk = fc.array(fc.nat(1000), { maxLength: 6 });
    fc.assert(
      fc.property(walk, (choices) => {
        let state = constraint.start;
        let text = Buffer.alloc(0);
        for (const choice of choices) {
          const tokens = allowed(constraint.mask(state), vocabulary.size);
          const wanted = Array.from({ length: vocabulary.size }, (_, token) => token).filter((token) => {
            let at = 0;
            for (const byte of [...text, ...vocabulary.bytesOf(token)])
              at = at === DEAD ? DEAD : automaton.next(at, byte);
            return token === vocabulary.eos
              ? automaton.isAccepting(at)
              : at !== DEAD && vocabulary.bytesOf(token).length > 0;
          });
          expect(tokens).toEqual(wanted);
          const token = tokens[choice % Math.max(tokens.length, 1)];
          if (token === undefined || token === vocabulary.eos) return;
          state = constraint.next(state, token);
          text = Buffer.concat([text, vocabulary.bytesOf(token)]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('writes only texts of the pattern, whichever tokens are chosen, and reads certain ones ahead', () => {
    const names = ['open', 'opened', 'closé'];
    const pattern: Pattern = {
      sequence: ['{"command":"', { oneOf: names }, '","n":', { oneOf: ['1', '12', '99'] }, '}'],
    };
    const constraint = new TokenConstraint(pattern, vocabulary);
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 30, maxLength: 30 }), (choices) => {
        const tokens: number[] = [];
        let state = constraint.start;
        let chosen = 0;
        for (const choice of choices) {
          for (const token of constraint.forced(state)) {
            tokens.push(token);
            state = constraint.next(state, token);
          }
          if (constraint.isOver(state)) break;
          const left = allowed(constraint.mask(state), vocabulary.size);
          const token = left[choice % left.length] ?? 0;
          tokens.push(token);
          state = constraint.next(state, token);
          chosen++;
        }
        const parsed = JSON.parse(tokenizer.decode(tokens)) as { command: string; n: number };
        expect(names).toContain(parsed.command);
        expect([1, 12, 99]).toContain(parsed.n);
        expect(chosen).toBeLessThan(14);
      }),
    );
  });
});
