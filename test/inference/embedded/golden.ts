/**
 * Greedy tokens of llama.cpp, and the prompts and the model they belong to. `MOORING_LLAMA_CPP=<folder> node
 * test/inference/embedded/golden.ts` asks llama.cpp (test/bench/llama-peer.ts) and writes golden.json anew.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-golden-'));
  try {
    const golden: Record<string, number[][]> = {};
    for (const type of goldenTypes) {
      const path = join(folder, `${type}.gguf`);
      writeFileSync(path, goldenModel(type));
      const peer = await openPeer(path, 1, 256);
      if (peer === undefined) throw new Error('MOORING_LLAMA_CPP names no folder with node-llama-cpp');
      golden[type] = await peer.generate(goldenPrompts(), TOKENS, 0);
      await peer.close();
    }
    const lines = Object.entries(golden).map(
      ([type, answers]) =>
        `  "${type}": [\n${answers.map((answer) => `    [${answer.join(', ')}]`).join(',\n')}\n  ]`,
    );
    writeFileSync(goldenFile, `{\n${lines.join(',\n')}\n}\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === import.meta.filename) await main();
