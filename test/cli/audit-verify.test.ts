/** Records of programs that somebody changes in the bridge's files: `mooring audit verify` and the API say so. */
import { globSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { device, gateBridge, say } from '../agent/approvals/gate.ts';
import { temporaryDir, type TestBridge } from '../support/bridge.ts';
import { mooring } from './start.ts';

const program = (code: string): string => `call run_program ${JSON.stringify({ code })}`;
const verify = ({ bridge }: TestBridge, ...args: string[]) =>
  mooring(['audit', 'verify', ...args, '--url', bridge.http.url]);

it('mooring audit verify is content with what ran, and tells what was changed and removed behind the bridge', async () => {
  const dataDir = temporaryDir();
  const first = await gateBridge(dataDir);
  await device(await first.mqtt());
  for (const code of ['return 1', 'return 2', 'return 3']) await say(first, program(code));
  const whole = await verify(first, '--json');
  expect(whole).toMatchObject({ code: 0, stderr: '' });
  const { agents } = JSON.parse(whole.stdout) as { agents: { head: string }[] };
  expect(agents).toMatchObject([{ agent: 'gate/g1', isSound: true, kept: 3, count: 3, problems: [] }]);
  const head = String(agents[0]?.head);
  await first.stop();

  const change = (sql: string): void => {
    const [file = ''] = globSync(join(dataDir, '**/agents/gate/*/g1.db'));
    const rows = new Database(file);
    rows.exec(sql);
    rows.close();
  };
  change(
    `UPDATE mooring_cells SET value = replace(value, 'return 2', 'return 0') WHERE name = 'programRun:1'`,
  );
  const second = await gateBridge(dataDir);
  const [changed, kept] = await Promise.all([verify(second), verify(second, 'gate/g1', '--head', head)]);
  expect(changed.code).toBe(1);
  expect(changed.stdout).toMatch(
    /^AGENT .*\ngate\/g1 +3 of 3 +BROKEN .*\n\ngate\/g1 +the record of run \S+ was changed/,
  );
  expect(kept.stdout).not.toContain(`nothing that is kept has the hash`);
  await second.stop();

  change(`DELETE FROM mooring_cells WHERE name IN ('programRun:0', 'programRun:1')`);
  const third = await gateBridge(dataDir);
  expect(await third.agent('gate/g1/programs')).toMatchObject({
    chain: { kept: 1, count: 3, isSound: false },
  });
  const removed = await verify(third, 'gate/g1');
  expect(removed).toMatchObject({ code: 1 });
  expect(removed.stdout).toContain('1 records are kept, and it should be 3');
});
