/**
 * `npm run train -- [folder] [minutes] [parts]`: generates the corpus, compiles the trainer (g++ and libopenblas-dev),
 * trains, and writes the model's file and its scores. The minutes are a limit; docs/model.md says what they were.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SENTENCES_PER_PART = 20_000;

function run(command: string, ...args: readonly string[]): void {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} failed: ${args.join(' ')}`);
}

function main(folder: string, minutes: number, parts: number): void {
  const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
  for (let part = 1; part <= parts; part++) {
    run(process.execPath, here('generate/main.ts'), folder, String(SENTENCES_PER_PART), String(part));
  }
  const [trainer, weights, model] = [
    join(folder, 'train'),
    join(folder, 'weights'),
    join(folder, 'rules.gguf'),
  ];
  run('g++', '-O3', '-march=native', '-ffast-math', here('train.cpp'), '-o', trainer, '-lopenblas');
  run(trainer, folder, weights, String(parts * SENTENCES_PER_PART), String(minutes), '1024');
  run(process.execPath, here('gguf.ts'), weights, join(folder, 'vocabulary.json'), model);
  run(process.execPath, here('evaluate.ts'), model);
}

const [folder = 'data/training', minutes = '60', parts = '20'] = process.argv.slice(2);
main(folder, Number(minutes), Number(parts));
