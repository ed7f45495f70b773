import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const DEMO = fileURLToPath(new URL('../../firmware-sim/demo.ts', import.meta.url));

it('the demo ends by itself with exit code 0 when every check held', { timeout: 60_000 }, async () => {
  const args = [
    '--seconds',
    '1',
    '--devices',
    '3',
    '--rate',
    '10',
    '--mqtt-port',
    '0',
    '--http-port',
    '0',
    '--json',
  ];
  const { stdout } = await promisify(execFile)(process.execPath, [DEMO, ...args]); // rejects on another exit code
  const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
    checks: { name: string; held: boolean }[];
  };
  expect(last).toMatchObject({ event: 'summary', ok: true, dropped: 0, pending: 0 });
  expect(last.checks.map(({ name, held }) => [name, held])).toEqual([
    ['all devices online', true],
    ['every PUBACKed message applied', true],
    ['a round trip per command', true],
    ['a rule fired', true],
    ['the story of a pump', true],
  ]);
});
