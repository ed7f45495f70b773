/** What the crash harness found, each by itself, on a disk that keeps nothing but what was synced. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import type { RandomStream } from '../../firmware-sim/random.ts';
import { Bridge, type BridgeAddress } from './bridge.ts';
import { compileShim, FaultControl } from './fault-shim.ts';
import { asked, within } from './load.ts';
import { losePower } from './power-loss.ts';
import { RpcSocket } from './rpc-socket.ts';

/** The disk loses everything that it may lose. */
const WORST: RandomStream = {
  next: () => 1 - 2 ** -33,
  between: (_low, high) => high - 1e-9,
  normal: () => 0,
};
const TEMP_DIR = existsSync('/var/tmp') ? '/var/tmp' : tmpdir();
/** Its start takes half the time. */
const NO_THREADS = { MOORING_SHARDS: '0' };
const HEAVY = '/api/agents/crash-heavy/w/call/report';

const shim = compileShim();
if ('reason' in shim) console.warn(`power losses were NOT tested: ${shim.reason}`); // the reporter hides reasons of skips

async function publish({ mqttPort }: BridgeAddress, topic: string, payload: string): Promise<void> {
  const client = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { reconnectPeriod: 0 });
  client.on('error', () => undefined); // the bridge may end before it
  await client.publishAsync(topic, payload, { qos: 1 });
  await client.endAsync();
}

describe.skipIf(!('path' in shim))('a power loss right after the first acknowledgements', () => {
  const directory = mkdtempSync(join(TEMP_DIR, 'mooring-power-loss-'));
  const root = join(directory, 'disk');
  let after: Bridge | undefined;
  let bridge: BridgeAddress;

  beforeAll(async () => {
    const [base, log, out] = [join(directory, 'base'), join(directory, 'log'), join(directory, 'left')];
    cpSync(mkdtempSync(join(directory, 'empty-')), root, { recursive: true });
    cpSync(root, base, { recursive: true });
    const control = new FaultControl(join(directory, 'control'), 1);
    const path = 'path' in shim ? shim.path : '';
    // Two directories that were not there before.
    const before = new Bridge(join(root, 'deep', 'data'), {
      ...control.environment(path, root, log),
      ...NO_THREADS,
    });
    const address = await before.ready();
    if (address === null) throw new Error(before.log);
    await publish(address, 'devices/crash-meter/m/telemetry', '{"x":0,"boot":1,"seq":0}');
    const socket = await RpcSocket.open(address, 'crash-heavy/w');
    expect(await socket?.call('put', [7])).toBe(true);
    await asked(address, 'POST', '/api/agents/crash-chat/c/call/hello', { args: [] });
    const answer = await asked(address, 'POST', '/api/agents/crash-chat/c/ask?wait=10s', { text: 'warm?' });
    expect(answer).toMatchObject({ text: 're: warm?', finish: 'done' });
    await before.end('SIGKILL');
    socket?.close();
    control.close();
    losePower({ root, base, log, out, random: WORST });
    after = new Bridge(join(out, 'deep', 'data'), NO_THREADS);
    const found = await after.ready();
    if (found === null) throw new Error(after.log);
    bridge = found;
  }, 60_000);

  afterAll(async () => {
    await after?.end('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  it('leaves the data directory, which was made at the start, and telemetry in it', async () => {
    const count = await asked(bridge, 'GET', '/api/agents/crash-meter/m/telemetry/count');
    expect(count).toMatchObject({ applied: 1 });
  });

  it('leaves what a call over a WebSocket wrote: no replay would run it again', async () => {
    const report = await asked(bridge, 'POST', HEAVY, { args: [] });
    expect(report).toMatchObject({ value: { done: { put: [7] } } });
  });

  it('leaves the answer of a model that somebody has read', async () => {
    const { messages } = (await asked(bridge, 'GET', '/api/agents/crash-chat/c/messages')) as {
      messages: { role: string; parts: { text?: string }[] }[];
    };
    const texts = messages.map(({ role, parts }) => `${role}: ${parts.map(({ text }) => text).join('')}`);
    expect(texts).toEqual(['user: warm?', 'assistant: re: warm?']);
  });
});

describe.skipIf(!('path' in shim))('an fsync that fails', () => {
  it('ends the process also where it is Node’s and not SQLite’s', async () => {
    const directory = mkdtempSync(join(TEMP_DIR, 'mooring-sync-error-'));
    const control = new FaultControl(join(directory, 'control'), 1);
    const bridge = new Bridge(
      join(directory, 'disk', 'data'),
      control.environment('path' in shim ? shim.path : '', join(directory, 'disk')),
    );
    try {
      const address = await bridge.ready();
      if (address === null) throw new Error(bridge.log);
      await publish(address, 'devices/crash-ledger/l/telemetry', '{"x":0}');
      await asked(address, 'POST', '/api/agents/crash-ledger/l/call/entries', { args: [] });
      // The journal's comes first; then that of the history, before the agent's file.
      control.order({ syncFailsAfter: 2 });
      void publish(address, 'devices/crash-ledger/l/telemetry', '{"x":1}').catch(() => undefined); // it ends meanwhile
      expect(await within(12_000, () => !bridge.isRunning)).toBe(true);
      expect(await bridge.ended).toEqual({ code: 1, signal: null });
      expect(bridge.log).toContain('EIO');
    } finally {
      await bridge.end('SIGKILL');
      control.close();
      rmSync(directory, { recursive: true, force: true });
    }
  }, 60_000);
});

describe.skipIf(!('path' in shim))('a full disk at the commit of an agent’s file', () => {
  it('takes the whole transaction back, and nothing of it is committed later without the rest', () => {
    const directory = mkdtempSync(join(TEMP_DIR, 'mooring-full-'));
    const control = new FaultControl(join(directory, 'control'), 1);
    const program = join(import.meta.dirname, 'full-file-process.ts');
    const env = { ...process.env, ...control.environment('path' in shim ? shim.path : '', directory) };
    try {
      const args = [program, join(directory, 'agents'), control.path];
      const said = execFileSync(process.execPath, args, { env, encoding: 'utf8' });
      expect(JSON.parse(said)).toEqual({
        steps: ['SQLITE_FULL', 'BRG_AGENT_RESTARTED', 'BRG_AGENT_RESTARTED', 'done', 'done'],
        rows: [{ n: 1 }],
      });
    } finally {
      control.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
