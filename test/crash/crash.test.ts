/** A short run of `npm run crash`: a kill and a power loss in the middle of mixed load. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileShim } from './fault-shim.ts';
import { lifeOf } from './plan.ts';
import { CrashRun } from './run.ts';

/** Its first two lives end as the title says. */
const SEED = 3;

test('nothing that was acknowledged is lost by a kill and a power loss', async () => {
  expect([1, 2].map((life) => lifeOf(SEED, life, true, 1000).ending)).toEqual(['kill', 'power-loss']);
  const shim = compileShim();
  if ('reason' in shim) console.warn(`the power loss was NOT tested: ${shim.reason}`); // the reporter hides it
  const directory = mkdtempSync(join(existsSync('/var/tmp') ? '/var/tmp' : tmpdir(), 'mooring-crash-'));
  const length = { kills: 2, minutes: 0, runMsMax: 1000, rate: 1000, delaySecondsMax: 0.5 };
  // Without threads it starts in half the time; `npm run crash` has them.
  const settings = { ...length, seed: SEED, shards: 0, directory };
  const run = new CrashRun({ ...settings, shim: 'path' in shim ? shim.path : null, say: () => undefined });
  const { wrong, kills, acksTotal } = await run.run();
  expect(wrong).toEqual([]);
  expect(kills).toBe(2);
  expect(acksTotal).toBeGreaterThan(0);
  rmSync(directory, { recursive: true, force: true });
}, 90_000);
