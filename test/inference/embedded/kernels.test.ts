import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../../source-graph.ts';

it('the committed kernels are what their source compiles to', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-kernels-'));
  try {
    execFileSync(process.execPath, [join(root, 'scripts/build-kernels.ts'), '--out', folder]);
    for (const name of ['kernels.wasm', 'kernels-simd.wasm']) {
      const built = readFileSync(join(folder, name));
      expect(
        built.equals(readFileSync(join(root, 'src/inference/embedded', name))),
        `npm run build:kernels: ${name}`,
      ).toBe(true);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);
