import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Journal, ShardStore } from '../../src/store/index.ts';
import { mooring, startBridge, temporaryDirectory, type Outcome } from './start.ts';

interface Check {
  readonly name: string;
  readonly status: string;
  readonly text: string;
  readonly fix?: string;
}

const NAMES = [
  'Node',
  'settings',
  'MQTT port',
  'HTTP port',
  'data directory',
  'disk space',
  'file system',
  'fsync',
  'open files',
  'clock',
  'dashboard',
  'mosquitto clients',
];

function read({ stdout }: Outcome): { ok: boolean; checks: Map<string, Check> } {
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] }; // its own shape is under test
  for (const { status, fix } of checks) {
    expect(['ok', 'info', 'warn', 'fail']).toContain(status);
    if (status === 'warn' || status === 'fail') expect(fix).toMatch(/\w/);
  }
  return { ok, checks: new Map(checks.map((check) => [check.name, check])) };
}

describe('mooring doctor', () => {
  it('finds nothing that must be fixed on a good machine, and leaves no trace', async () => {
    const cwd = temporaryDirectory();
    const outcome = await mooring(['doctor', '--json', '--mqtt-port', '0', '--http-port', '0'], { cwd });
    const { ok, checks } = read(outcome);
    expect([...checks.keys()]).toEqual(NAMES);
    expect({ ok, code: outcome.code }).toEqual({ ok: true, code: 0 });
    expect(checks.get('fsync')?.text).toMatch(/p50 \d+\.\d\d ms, p99 \d+\.\d\d ms.*PUBACK/);
    expect(existsSync(join(cwd, 'data'))).toBe(false);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('tells a port held by a bridge from one held by another program', async () => {
    const bridge = await startBridge(join(temporaryDirectory(), 'data'));
    const held = ['--mqtt-port', String(bridge.mqttPort), '--http-port', String(bridge.httpPort)];
    const beside = read(await mooring(['doctor', '--json', ...held]));
    expect(beside.checks.get('MQTT port')?.text).toMatch(/a bridge \(.+\) is running/);

    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const port = String((server.address() as AddressInfo).port); // listening on TCP
    const outcome = await mooring(['doctor', '--json', '--mqtt-port', '0', '--http-port', port]);
    expect(outcome.code).toBe(1);
    expect(read(outcome).checks.get('HTTP port')).toMatchObject({
      status: 'fail',
      fix: expect.stringContaining('MOORING_HTTP_PORT'),
    });
  });

  it('finds bad settings and a data directory that cannot be made, with a fix for each', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'file'), '');
    const bad = await mooring(
      ['doctor', '--json', '--data-dir', 'file/data', '--mqtt-port', '0', '--http-port', '0'],
      { cwd },
    );
    expect(bad.code).toBe(1);
    expect(read(bad).checks.get('data directory')).toMatchObject({ status: 'fail' });
    const unknown = await mooring(['doctor', '--json'], { cwd, env: { MOORING_PROT: '1' } });
    expect(read(unknown).checks.get('settings')).toMatchObject({
      status: 'fail',
      text: expect.stringContaining('MOORING_PROT'),
    });
  });

  it('is readable without colours when it is no terminal', async () => {
    const { stdout } = await mooring(['doctor', '--mqtt-port', '0', '--http-port', '0']);
    expect(stdout).toMatch(/^ok {4}Node +v\d+/);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/\n(all well|ready, with warnings)\n$/);
  });
});

describe('mooring doctor --data', () => {
  it('names what a journal has lost, leaves it alone, and takes it out only when told to', async () => {
    const dataDir = temporaryDirectory();
    const look = ['doctor', '--data', '--data-dir', dataDir, '--json'];
    expect(read(await mooring(look)).checks.get('data')).toMatchObject({ status: 'info' });
    const path = join(dataDir, 'journal.db');
    const journal = new Journal(path);
    for (const batch of ['the first batch', 'the second batch'])
      journal.append(batch, Buffer.from(batch.repeat(20)), 5);
    journal.close();
    new ShardStore(join(dataDir, 'shard.db')).close();
    const whole = read(await mooring(look));
    expect(whole).toMatchObject({ ok: true });
    expect(whole.checks.get('journal')?.text).toContain('10 messages to replay');

    const bytes = readFileSync(path);
    bytes.write('X', bytes.lastIndexOf('the second batch'));
    writeFileSync(path, bytes);
    const lost = await mooring(look);
    expect(lost.code).toBe(1);
    expect(read(lost).checks.get('journal')).toMatchObject({
      status: 'fail',
      text: expect.stringContaining('the 5 acknowledged messages 6 to 10 are lost') as unknown,
      fix: expect.stringContaining('--set-aside') as unknown,
    });
    expect(readFileSync(path).equals(bytes)).toBe(true);
    const { ok, checks } = read(await mooring([...look, '--set-aside']));
    expect(ok).toBe(true);
    expect(checks.get('set aside')?.text).toContain('6 to 10');
    expect(checks.get('journal')?.text).toContain('5 messages to replay');
    expect((await mooring(['doctor', '--set-aside'])).code).toBe(2);
  });
});
