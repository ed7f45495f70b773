/**
 * Compiles the kernels of the embedded engine (AssemblyScript) to WebAssembly: `npm run build:kernels`.
 *
 *   --out <folder>   default: src/inference/embedded, where the result is committed
 *
 * The same source gives the same bytes; a test compares them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import asc from 'assemblyscript/asc';

const root = resolve(import.meta.dirname, '..');
const FOLDER = 'src/inference/embedded';
const COMMON = ['-O3', '--noAssert', '--runtime', 'stub', '--importMemory', '--enable', 'simd'];

/** The two builds, and what each needs. */
const BUILDS: Readonly<Record<string, readonly string[]>> = {
  'kernels.wasm': [...COMMON, '--enable', 'relaxed-simd'],
  'kernels-simd.wasm': COMMON,
};

/** Compiles one of the builds. @throws Error with what the compiler says */
async function compile(flags: readonly string[]): Promise<Uint8Array> {
  let compiled: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    [`${FOLDER}/kernels/index.ts`, ...flags, '--baseDir', root, '--outFile', 'kernels.wasm'],
    {
      writeFile: (name, contents) => {
        if (name === 'kernels.wasm' && typeof contents !== 'string') compiled = contents;
      },
    },
  );
  if (error !== null || compiled === undefined) throw new Error(stderr.toString(), { cause: error });
  return compiled;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { out: { type: 'string', default: FOLDER } } });
  const folder = resolve(root, values.out);
  mkdirSync(folder, { recursive: true });
  for (const [name, flags] of Object.entries(BUILDS)) {
    const bytes = await compile(flags);
    writeFileSync(join(folder, name), bytes);
    process.stdout.write(`${name}: ${bytes.length} bytes\n`);
  }
}

await main();
