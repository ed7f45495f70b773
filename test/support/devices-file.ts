/** A devices module written by a test, as an author would write it, outside of this project. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDir } from './bridge.ts';

const PACKAGE = new URL('../../src/index.ts', import.meta.url).href;

/**
 * Writes `code` to a file whose imports from `mooring` are the sources of this project; answers its path.
 * Load it in a shard's thread (`shards: 1`): in this one the sources are there twice, as vitest loads them
 * and as Node does.
 */
export function devicesFile(code: string, name = 'devices.ts'): string {
  const path = join(temporaryDir(), name);
  writeFileSync(path, code.replaceAll(/from 'mooring'/g, `from '${PACKAGE}'`));
  return path;
}
