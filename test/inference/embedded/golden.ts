/**
 * Greedy tokens of llama.cpp, and the prompts and the models they belong to. `MOORING_LLAMA_CPP=<folder> node
 * test/inference/embedded/golden.ts` asks llama.cpp (test/bench/llama-peer.ts) and writes golden.json anew (then `npm run format`); to be
 * done when the shipped model is another one.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceWords, promptOf, promptText } from '../../../src/agent/rules/translator/prompt.ts';
import {
  fromHalf,
  TENSOR_TYPES,
  type GgufFile,
  type GgufValue,
  type TensorType,
} from '../../../src/inference/embedded/gguf.ts';
import { parseGguf } from '../../../src/inference/embedded/gguf-reader.ts';
import { writeGguf, type GgufField } from '../../../src/inference/embedded/gguf-writer.ts';
import { openEngine } from '../../../src/inference/embedded/open-engine.ts';
import { goldSentences } from '../../../training/gold.ts';
import { openPeer } from '../../bench/llama-peer.ts';
import { Random } from '../../fuzz/random.ts';
import { randomModel } from '../../support/random-model.ts';

const PROMPTS = 100;
const TOKENS = 16;

export const goldenFile = join(import.meta.dirname, 'golden.json');

export const goldenTypes = ['f32', 'f16', 'q8_0'] as const;

/** A model of weights of this type: random, made anew each time, the same on every machine. */
export function goldenModel(type: (typeof goldenTypes)[number]): Uint8Array {
  return randomModel({
    type,
    seed: 11,
    layers: 3,
    width: 128,
    heads: 4,
    kvHeads: 2,
    feedForward: 256,
    isUntied: true,
  });
}

/** Bytes of 8 to 60 tokens. */
export function goldenPrompts(): number[][] {
  const random = new Random(5);
  return Array.from({ length: PROMPTS }, () =>
    Array.from({ length: 8 + random.below(53) }, () => random.below(256)),
  );
}

/** What goldenFile holds. */
export interface Golden {
  readonly answers: Readonly<Record<(typeof goldenTypes)[number], readonly (readonly number[])[]>>;
  readonly shipped: {
    readonly sha256: string;
    readonly prompts: readonly (readonly number[])[];
    readonly answers: readonly (readonly number[])[];
  };
}

export const shippedModel = join(import.meta.dirname, '../../../models/rules-1.gguf');

export function sha256Of(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Sentences that somebody wrote by hand, none of which the model was trained on. */
function shippedPrompts(): { readonly prompts: number[][]; readonly end: number } {
  const engine = openEngine(shippedModel);
  const prompts = goldSentences()
    .slice(0, PROMPTS)
    .map(({ device, sentence }) => [
      ...engine.tokenizer.encode(promptText(promptOf(sentence, deviceWords(device)))),
    ]);
  const end = engine.tokenizer.eos;
  engine.close();
  return { prompts, end };
}

/** The same weights as f32: for those of q8_0, llama.cpp rounds what they are multiplied with to int8. */
function inF32({ fields, tensors }: GgufFile): Uint8Array {
  const typed = (name: string, value: GgufValue): GgufField => {
    if (typeof value === 'number') return /epsilon|freq_base/.test(name) ? { f32: value } : { u32: value };
    if (Array.isArray(value) && typeof value[0] === 'number') return { i32s: value as number[] };
    return value as string | boolean | string[]; // there are no others in the file that training/gguf.ts writes
  };
  return writeGguf(
    Object.fromEntries(Array.from(fields, ([name, value]) => [name, typed(name, value)])),
    Array.from(tensors.values(), ({ name, type, dimensions, bytes }) => ({
      name,
      type: 'f32',
      dimensions,
      weights: weightsOf(type, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    })),
  );
}

function weightsOf(type: TensorType, bytes: DataView): Float32Array {
  if (type === 'f32')
    return Float32Array.from({ length: bytes.byteLength / 4 }, (_, at) => bytes.getFloat32(4 * at, true));
  const { blockWeights, blockBytes } = TENSOR_TYPES.q8_0;
  return Float32Array.from({ length: (bytes.byteLength / blockBytes) * blockWeights }, (_, at) => {
    const block = Math.floor(at / blockWeights) * blockBytes;
    return fromHalf(bytes.getUint16(block, true)) * bytes.getInt8(block + 2 + (at % blockWeights));
  });
}

/** What follows the end of an answer is nobody's. */
function upToEnd(answers: readonly number[][], end: number): number[][] {
  return answers.map((answer) => (answer.includes(end) ? answer.slice(0, answer.indexOf(end) + 1) : answer));
}

async function answersOf(path: string, prompts: readonly (readonly number[])[]): Promise<number[][]> {
  const peer = await openPeer(path, 1, 512);
  if (peer === undefined) throw new Error('MOORING_LLAMA_CPP names no folder with node-llama-cpp');
  const answers = await peer.generate(prompts, TOKENS, 0);
  await peer.close();
  return answers;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-golden-'));
  try {
    const answers: Record<string, number[][]> = {};
    for (const type of goldenTypes) {
      const path = join(folder, `${type}.gguf`);
      writeFileSync(path, goldenModel(type));
      answers[type] = await answersOf(path, goldenPrompts());
    }
    const path = join(folder, 'shipped.gguf');
    writeFileSync(path, inF32(parseGguf(readFileSync(shippedModel))));
    const { prompts, end } = shippedPrompts();
    const shipped = {
      sha256: sha256Of(shippedModel),
      prompts,
      answers: upToEnd(await answersOf(path, prompts), end),
    };
    // A line for each answer.
    const text = JSON.stringify({ answers, shipped }).replaceAll('],[', '],\n[');
    writeFileSync(goldenFile, `${text}\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === import.meta.filename) await main();
