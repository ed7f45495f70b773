/**
 * An engine without a model. What it remembers of a position is a hash of all tokens up to there, read from the blocks
 * of the sequence as the real one reads keys and values: a block that is shared, copied, evicted or restored wrongly
 * gives other tokens than `expectedTokens` says, which knows no blocks.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { assert, BridgeError } from '../../src/base/errors.ts';
import type {
  Engine,
  EngineInfo,
  EngineStep,
  StepResult,
  Tokenizer,
} from '../../src/inference/embedded/engine.ts';

export const EOS = 256;
const VOCABULARY = 288;
const BLOCK = 16;
const WORDS = 2; // position + 1, hash

export interface FakeOptions {
  readonly blocks?: number;
  readonly contextTokens?: number;
  readonly fingerprint?: string;
  /** One in so many choices is the end; 0: never. */
  readonly endsOneIn?: number;
  /** Time of a row and of a step, ms, on the clock below. */
  readonly onStep?: (rows: number) => void;
}

const tokenizer: Tokenizer = {
  vocabulary: VOCABULARY,
  eos: EOS,
  bos: -1,
  encode: (text) => Int32Array.from(Buffer.from(text)),
  decode: (tokens) => Buffer.from([...tokens].filter((token) => token < 256)).toString(),
  bytesOf: (token) => (token < 256 ? Uint8Array.of(token) : new Uint8Array(0)),
  tokenNamed: (name) => (name === '</s>' ? EOS : undefined),
};

export class FakeEngine implements Engine {
  readonly info: EngineInfo;
  readonly tokenizer = tokenizer;
  readonly #memory: Int32Array;
  readonly #options: FakeOptions;
  steps = 0;
  rows = 0;
  largest = 0;

  constructor(options: FakeOptions = {}) {
    const { blocks = 64, contextTokens = 512, fingerprint = 'fake' } = options;
    this.#options = options;
    this.#memory = new Int32Array(blocks * BLOCK * WORDS);
    this.info = {
      architecture: 'llama',
      vocabulary: VOCABULARY,
      contextTokens,
      blockTokens: BLOCK,
      blocks,
      kvBytesPerToken: WORDS * 4,
      storedBytesPerToken: WORDS * 4,
      fingerprint,
    };
  }

  step({ rows, tables, masks, temperatures, seeds, targets }: EngineStep): StepResult {
    const tokens: number[] = [];
    const logProbabilities: number[] = [];
    const writers = new Map<number, number>();
    this.steps++;
    this.rows += rows.length / 4;
    this.largest = Math.max(this.largest, rows.length / 4);
    this.#options.onStep?.(rows.length / 4);
    for (let at = 0; at < rows.length; at += 4) {
      const [sequence = 0, token = 0, position = 0, wants = 0] = rows.subarray(at, at + 4);
      const table = tables[sequence] ?? new Int32Array(0);
      const block = table[position >> 4] ?? -1;
      assert(block >= 0 && block < this.info.blocks, 'a row has a block');
      assert((writers.get(block) ?? sequence) === sequence, 'a block that two tables share is never written');
      writers.set(block, sequence);
      const before = position === 0 ? 0 : this.#read(table, position - 1);
      const hash = mix(before, token);
      const slot = (block * BLOCK + (position & 15)) * WORDS;
      this.#memory[slot] = position + 1;
      this.#memory[slot + 1] = hash;
      if (wants === 0) continue;
      const index = tokens.length;
      const target = targets[index] ?? -1;
      assert((temperatures[index] ?? 0) >= 0 && seeds[index] !== undefined, 'each result has its settings');
      tokens.push(target >= 0 ? target : pick(hash, masks[index], this.#options.endsOneIn ?? 0));
      logProbabilities.push(-(Math.abs(mix(hash, tokens.at(-1) ?? 0)) % 1000) / 1000);
    }
    assert(masks.length === tokens.length, 'each row that wants a result has one');
    return { tokens: Int32Array.from(tokens), logProbabilities: Float32Array.from(logProbabilities) };
  }

  copyBlock(from: number, to: number): void {
    this.#memory.copyWithin(to * BLOCK * WORDS, from * BLOCK * WORDS, (from + 1) * BLOCK * WORDS);
  }

  readBlocks(blocks: Int32Array): Uint8Array {
    const parts = [...blocks].map((block) => new Uint8Array(this.#block(block).slice().buffer));
    return Buffer.concat(parts);
  }

  writeBlocks(blocks: Int32Array, bytes: Uint8Array): void {
    const size = BLOCK * WORDS * 4;
    if (bytes.length !== blocks.length * size) throw new BridgeError('BRG_MODEL_STATE', 'of another length');
    const words = new Int32Array(Uint8Array.from(bytes).buffer);
    blocks.forEach((block, index) => {
      this.#memory.set(
        words.subarray(index * BLOCK * WORDS, (index + 1) * BLOCK * WORDS),
        block * BLOCK * WORDS,
      );
    });
  }

  close(): void {}

  #block(block: number): Int32Array {
    return this.#memory.subarray(block * BLOCK * WORDS, (block + 1) * BLOCK * WORDS);
  }

  #read(table: Int32Array, position: number): number {
    const slot = ((table[position >> 4] ?? 0) * BLOCK + (position & 15)) * WORDS;
    assert(this.#memory[slot] === position + 1, `position ${position} was read before what follows it`);
    return this.#memory[slot + 1] ?? 0;
  }
}

/** What the fake says after `prompt`, greedy or not: at most `max` tokens, without the end. */
export function expectedTokens(prompt: ArrayLike<number>, max: number, endsOneIn = 0): number[] {
  let hash = 0;
  for (let at = 0; at < prompt.length; at++) hash = mix(hash, prompt[at] ?? 0);
  const tokens: number[] = [];
  while (tokens.length < max) {
    const token = pick(hash, undefined, endsOneIn);
    if (token === EOS) break;
    tokens.push(token);
    hash = mix(hash, token);
  }
  return tokens;
}

function mix(hash: number, token: number): number {
  let mixed = Math.imul(hash ^ token, 0x9e3779b1) + 0x7f4a7c15;
  mixed ^= mixed >>> 15;
  return Math.imul(mixed, 0x85ebca6b) | 0;
}

/** A letter, or the end; of a mask any token it has. */
function pick(hash: number, mask: Uint32Array | undefined, endsOneIn: number): number {
  const chance = hash >>> 0;
  if (mask === undefined) return endsOneIn > 0 && chance % endsOneIn === 0 ? EOS : 97 + (chance % 26);
  const allowed = Array.from({ length: VOCABULARY }, (_, token) => token).filter(
    (token) => ((mask[token >>> 5] ?? 0) >>> (token & 31)) & 1,
  );
  assert(allowed.length > 0, 'a mask leaves a token');
  return allowed[chance % allowed.length] ?? EOS;
}

/** For a worker: the module the engine's thread opens its engine with. */
export function openEngine(path: string): Engine {
  if (path.includes('broken')) throw new BridgeError('BRG_MODEL_FILE', `${path}: no model`);
  // Its first thread dies of its first step.
  const isDoomed = path.endsWith('crashing') && !existsSync(`${path}.crashed`);
  if (isDoomed) writeFileSync(`${path}.crashed`, '');
  return new FakeEngine({
    blocks: 512,
    contextTokens: 4096,
    endsOneIn: 40,
    ...(isDoomed ? { onStep: crash } : {}),
  });
}

function crash(): void {
  throw new Error('a bug in the engine');
}
