import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { describe, expect, it } from 'vitest';
import { mooring, startBridge, temporaryDirectory, type StartedBridge } from './start.ts';

async function startWithDevice(dataDir = join(temporaryDirectory(), 'data')): Promise<StartedBridge> {
  const bridge = await startBridge(dataDir);
  const device = await connectAsync(`mqtt://127.0.0.1:${bridge.mqttPort}`);
  await device.publishAsync('devices/greenhouse/g7/telemetry', '{"temperature":21.5}', { qos: 1 });
  await device.endAsync();
  return bridge;
}

describe('mooring agent export and import', () => {
  it('saves an agent under a name of its own, replaces no file, and brings it back as another one', async () => {
    const { url } = await startWithDevice();
    const cwd = temporaryDirectory();
    const run = (...args: string[]) => mooring([...args, '--url', url], { cwd });
    const saved = await run('agent', 'export', 'greenhouse/g7');
    expect(saved).toMatchObject({ code: 0, stderr: '' });
    expect(saved.stdout).toMatch(
      /^greenhouse\/g7 -> greenhouse-g7\.mooring\.db \(\d+ KiB: \d+ documents, .*history\)\n$/,
    );
    expect(readdirSync(cwd)).toEqual(['greenhouse-g7.mooring.db']);
    expect(await run('agent', 'export', 'greenhouse/g7')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--force'),
    });
    const json = await run('agent', 'export', 'greenhouse/g7', '--force', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      agent: 'greenhouse/g7',
      storage: 'light',
      history: 1,
      bytes: readFileSync(join(cwd, 'greenhouse-g7.mooring.db')).length,
    });
    expect(await run('agent', 'export', 'greenhouse/none', '--to', 'x.db')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('BRG_UNKNOWN_AGENT'),
    });

    expect(await run('agent', 'import', 'greenhouse-g7.mooring.db')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('BRG_AGENT_EXISTS'),
    });
    expect(await run('agent', 'import', 'greenhouse-g7.mooring.db', '--as', 'greenhouse/g8')).toMatchObject({
      code: 0,
      stdout: 'greenhouse-g7.mooring.db -> greenhouse/g8 (light)\n',
    });
    const shown = await run('agent', 'show', 'greenhouse/g8', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({ state: { temperature: 21.5 }, presence: 'offline' });
    writeFileSync(join(cwd, 'bad.db'), 'nothing');
    expect(await run('agent', 'import', 'bad.db')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('BRG_IMPORT_FILE'),
    });
    expect(await run('agent', 'import', 'nowhere.db')).toMatchObject({ code: 2 });
    expect(readdirSync(cwd).sort()).toEqual(['bad.db', 'greenhouse-g7.mooring.db']);
  });
});

describe('mooring backup and restore', () => {
  it('makes, lists, moves and prunes backups, and restores one for the next bridge', async () => {
    const dataDir = join(temporaryDirectory(), 'data');
    const bridge = await startWithDevice(dataDir);
    const run = (...args: string[]) => mooring([...args, '--url', bridge.url]);
    expect(await run('backup', 'list')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no backups'),
    });
    const made = await run('backup');
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout).toMatch(/backups\/\S+Z \(\d+ KiB, 1 agents, all that was acknowledged before /);
    expect(await run('backup', 'lits')).toMatchObject({ code: 2 });
    const kept = await run('backup', '--keep', '1', '--json');
    const { name, pruned, path } = JSON.parse(kept.stdout) as {
      name: string;
      path: string;
      pruned: string[];
    };
    expect(pruned).toHaveLength(1);
    expect((await run('backup', 'list')).stdout).toMatch(new RegExp(`^NAME .*\n${name} .* 1 +\\d+ KiB\n$`));
    const elsewhere = temporaryDirectory();
    const moved = await run('backup', '--to', elsewhere, '--json');
    const { path: there } = JSON.parse(moved.stdout) as { path: string };
    expect(existsSync(join(there, 'manifest.json')) && there.startsWith(elsewhere)).toBe(true);

    const busy = await mooring(['restore', there, '--data-dir', dataDir, '--force']);
    expect(busy).toMatchObject({ code: 1, stderr: expect.stringContaining('stop the bridge') });
    await bridge.stop();
    const full = await mooring(['restore', there, '--data-dir', dataDir]);
    expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining('--force') });
    const restored = await mooring(['restore', there, '--data-dir', dataDir, '--force']);
    expect(restored).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/restored 1 agents .*\nwhat was there/),
    });
    // Backups stay where they are.
    expect(existsSync(path)).toBe(true);
    const again = await startBridge(dataDir);
    const shown = await mooring(['agent', 'show', 'greenhouse/g7', '--json', '--url', again.url]);
    expect(JSON.parse(shown.stdout)).toMatchObject({ state: { temperature: 21.5 } });
    await again.stop();
    writeFileSync(join(there, 'journal.db'), 'x');
    expect(await mooring(['restore', there, '--data-dir', join(elsewhere, 'new')])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('BRG_BACKUP'),
    });
    expect(existsSync(join(elsewhere, 'new'))).toBe(false);
  }, 60_000);
});
