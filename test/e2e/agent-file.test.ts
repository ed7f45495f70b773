/** An agent of a running bridge as a file, and back. */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MqttClient } from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { FrameSocket } from '../support/frame-socket.ts';
import { until } from '../support/until.ts';
import { startBridge, testDataDir, type BridgeProcess } from './bridge-process.ts';
import { bridgeState, call, count, DEVICES, points } from './copies-fixture.ts';

const MEDIA = 'application/vnd.sqlite3';

async function exported(bridge: BridgeProcess, address: string): Promise<Buffer> {
  const response = await fetch(`${bridge.httpUrl}/api/agents/${address}/export`);
  expect(response.headers.get('content-type')).toBe(MEDIA);
  expect(response.headers.get('content-disposition')).toContain(`${address.replace('/', '-')}.mooring.db`);
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

async function put(bridge: BridgeProcess, address: string, query: string, body: Buffer, type = MEDIA) {
  const init = { method: 'PUT', headers: { 'content-type': type }, body: new Uint8Array(body) };
  const response = await fetch(`${bridge.httpUrl}/api/agents/${address}/import${query}`, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }; // JSON in any case
}

async function telemetry(client: MqttClient, address: string, from: number, to: number): Promise<void> {
  const sent: Promise<unknown>[] = [];
  for (let seq = from; seq < to; seq++) {
    sent.push(
      client.publishAsync(`devices/${address}/telemetry`, JSON.stringify({ x: seq, boot: 'b1', seq }), {
        qos: 1,
      }),
    );
  }
  await Promise.all(sent);
}

async function history(bridge: BridgeProcess, address: string): Promise<unknown> {
  return bridge.get(`/api/agents/${address}/telemetry?from=1000&to=${Date.now() + 60_000}&points=1`);
}

describe('an agent as a file', () => {
  it.each(['book', 'slip'])(
    'a %s goes to another bridge with state, tables and history, and works there',
    async (model) => {
      const from = await startBridge(await testDataDir(), DEVICES);
      const to = await startBridge(await testDataDir(), DEVICES);
      const address = `${model}/a`;
      const client = await from.mqtt();
      await telemetry(client, address, 0, 50);
      if (model === 'book') await call(from, address, 'keep', { answer: 42 });
      const file = await exported(from, address);
      expect(await put(to, address, '', file)).toMatchObject({
        status: 200,
        body: { from: address, storage: model === 'book' ? 'heavy' : 'light' },
      });
      expect(await bridgeState(to, address)).toEqual(await bridgeState(from, address));
      const seen = async (bridge: BridgeProcess): Promise<unknown> =>
        JSON.parse(JSON.stringify(await history(bridge, address)).replaceAll(/"ts":\d+(\.\d+)?/g, '"ts":0'));
      expect(await seen(to)).toEqual(await seen(from));
      expect(await count(to, address)).toEqual(await count(from, address));
      // What the other bridge got goes on where it was: a resend is known, a new message counts.
      const client2 = await to.mqtt();
      await telemetry(client2, address, 45, 55);
      expect(await count(to, address)).toMatchObject({ applied: 55, duplicates: 5 });
      if (model !== 'book') return;
      expect(await call(to, address, 'readings')).toEqual({ rows: 55, seqs: 55, state: 55 });
      expect(await call(to, address, 'kept')).toEqual({ answer: 42 });
      const audit = await to.get<{ items: { event: string }[] }>(`/api/audit?agent=${address}`);
      expect(audit.items.map(({ event }) => event)).toEqual(['imported']);
    },
  );

  it('replaces an awake agent under its open connection, which gets the new state; a kill then keeps it', async () => {
    const dataDir = await testDataDir();
    const bridge = await startBridge(dataDir, DEVICES);
    const client = await bridge.mqtt();
    await telemetry(client, 'book/a', 0, 30);
    const file = await exported(bridge, 'book/a');
    await telemetry(client, 'book/a', 30, 40);
    const socket = new FrameSocket(new WebSocket(`${bridge.webSocketUrl}/agents/book/a`));
    onTestFinished(() => socket.socket.terminate());
    await until(() => socket.ofType('cf_agent_state').length > 0, 'the first state');
    expect(await put(bridge, 'book/a', '', file)).toMatchObject({
      status: 409,
      body: { code: 'BRG_AGENT_EXISTS' },
    });
    expect(await call(bridge, 'book/a', 'readings')).toMatchObject({ rows: 40 });
    socket.clear();
    expect(await put(bridge, 'book/a', '?replace=true', file)).toMatchObject({ status: 200 });
    const { state } = await socket.frame('cf_agent_state');
    expect(state).toMatchObject({ x: 29, rows: 30 });
    expect(socket.closed).toBeNull();
    await telemetry(client, 'book/a', 30, 33);
    await bridge.end('SIGKILL');
    // What the journal holds of the agent that went is not applied to this one.
    const again = await startBridge(dataDir, DEVICES);
    expect(await call(again, 'book/a', 'readings')).toEqual({ rows: 33, seqs: 33, state: 33 });
    expect(await points(again, 'book/a')).toBe(33);
  });

  it('becomes another agent only when that is said, and never one of another sort', async () => {
    const bridge = await startBridge(await testDataDir(), DEVICES);
    const client = await bridge.mqtt();
    await telemetry(client, 'book/a', 0, 5);
    const file = await exported(bridge, 'book/a');
    expect(await put(bridge, 'book/b', '', file)).toMatchObject({
      status: 409,
      body: { code: 'BRG_IMPORT_MODEL' },
    });
    expect(await put(bridge, 'book/b', '?rename=true', file)).toMatchObject({ status: 200 });
    expect(await call(bridge, 'book/b', 'readings')).toMatchObject({ rows: 5 });
    expect(await put(bridge, 'shelf/c', '?rename=true', file)).toMatchObject({
      status: 409,
      body: { code: 'BRG_IMPORT_MODEL' },
    });
    expect(await put(bridge, 'nothing/c', '?rename=true', file)).toMatchObject({
      status: 404,
      body: { code: 'BRG_UNKNOWN_MODEL' },
    });
  });

  it('bad files change nothing, have stable codes and leave nothing behind', async () => {
    const dataDir = await testDataDir();
    const bridge = await startBridge(dataDir, DEVICES);
    const client = await bridge.mqtt();
    await telemetry(client, 'book/a', 0, 5);
    const file = await exported(bridge, 'book/a');
    const damaged = Buffer.from(file);
    damaged.fill(0xff, 4096, 6000);
    const bad: [Buffer, string, string][] = [
      [Buffer.from('hello'), MEDIA, 'BRG_IMPORT_FILE'],
      [Buffer.alloc(0), MEDIA, 'BRG_IMPORT_FILE'],
      [damaged, MEDIA, 'BRG_IMPORT_FILE'],
      [file.subarray(0, 8192), MEDIA, 'BRG_IMPORT_FILE'],
      [file, 'application/json', 'BRG_UNSUPPORTED_MEDIA'],
    ];
    for (const [body, type, code] of bad) {
      const answer = await put(bridge, 'book/a', '?replace=true', body, type);
      expect(answer.body).toMatchObject({ code });
    }
    expect(await put(bridge, 'book/a', '?replace=maybe', file)).toMatchObject({
      body: { code: 'BRG_BAD_REQUEST' },
    });
    expect(await call(bridge, 'book/a', 'readings')).toEqual({ rows: 5, seqs: 5, state: 5 });
    const unknown = await fetch(`${bridge.httpUrl}/api/agents/book/nobody/export`);
    expect(await unknown.json()).toMatchObject({ code: 'BRG_UNKNOWN_AGENT' });
    expect(readdirSync(join(dataDir, 'transfers'))).toEqual([]);
  });

  it('deletes at its start what an earlier run left of transfers and backups', async () => {
    const dataDir = await testDataDir();
    mkdirSync(join(dataDir, 'transfers'));
    mkdirSync(join(dataDir, 'backups', 'x.part'), { recursive: true });
    writeFileSync(join(dataDir, 'transfers', 'upload-x.db'), 'x');
    await startBridge(dataDir, DEVICES);
    await until(
      () =>
        readdirSync(join(dataDir, 'transfers')).length + readdirSync(join(dataDir, 'backups')).length === 0,
      'the directories to be empty',
    );
    expect(readFileSync(join(dataDir, 'shard.db')).length).toBeGreaterThan(0);
  });
});
