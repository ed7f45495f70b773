/** Copies of a running bridge, made by its users' means, and what comes out of them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MqttClient } from 'mqtt';
import { describe, expect, it } from 'vitest';
import { restoreBackup } from '../../src/store/index.ts';
import { until } from '../support/until.ts';
import { startBridge, testDataDir, type BridgeProcess } from './bridge-process.ts';
import { bridgeState, call, count, DEVICES, points } from './copies-fixture.ts';

const IN_FLIGHT = 20;

/** Of 4 KiB: files that are too large to be copied in one piece (limits.copyAtOnceBytesMax). */
const PAGES = 2000;

/** QoS 1 telemetry of one device with (boot, seq), and when each message was acknowledged. */
class Stream {
  readonly address: string;
  readonly ackedAtMs: number[] = [];
  readonly #client: MqttClient;
  #next = 0;
  #inFlight = 0;
  #isOn = true;

  constructor(address: string, client: MqttClient) {
    this.address = address;
    this.#client = client;
    this.#pump();
  }

  async stopped(): Promise<number> {
    this.#isOn = false;
    await until(() => this.#inFlight === 0, 'all PUBACKs');
    return this.#next;
  }

  ackedBefore(ms: number): number {
    return this.ackedAtMs.filter((at) => at !== undefined && at < ms).length;
  }

  #pump(): void {
    while (this.#isOn && this.#inFlight < IN_FLIGHT) {
      const seq = this.#next++;
      this.#inFlight++;
      const payload = JSON.stringify({ x: seq, boot: 'b1', seq });
      this.#client.publish(`devices/${this.address}/telemetry`, payload, { qos: 1 }, (error) => {
        if (error) return;
        this.ackedAtMs[seq] = Date.now();
        this.#inFlight--;
        this.#pump();
      });
    }
  }
}

interface Status {
  readonly state: string;
  readonly path?: string;
  readonly summary?: { readonly throughMs: number; readonly agents: number; readonly heavyAgents: number };
}

async function backedUp(bridge: BridgeProcess): Promise<Status> {
  return until(async () => {
    const status = await bridge.get<Status>('/api/backup');
    if (status.state === 'failed') throw new Error(JSON.stringify(status));
    return status.state === 'done' ? status : null;
  }, 'the backup to be made');
}

const BOOKS = ['book/b1', 'book/b2'];
const ALL = [...BOOKS, 'slip/s1'];

describe('a backup during a QoS 1 stream', () => {
  it.each([1, 3])(
    'of %i shards, restored elsewhere, has every message acknowledged before its end, each once, in state, SQL and history',
    async (shards) => {
      const dataDir = await testDataDir();
      const target = join(await testDataDir(), 'restored');
      const bridge = await startBridge(dataDir, [...DEVICES, '--shards', String(shards)]);
      for (const address of BOOKS) await call(bridge, address, 'fill', PAGES);
      const client = await bridge.mqtt();
      const streams = ALL.map((address) => new Stream(address, client));
      await until(() => streams.every(({ ackedAtMs }) => ackedAtMs.length > 100), 'streams to flow');

      const { status } = await bridge.request('POST', '/api/backup');
      expect(status).toBe(202);
      const second = await bridge.request('POST', '/api/backup');
      expect(second).toMatchObject({ status: 409, body: { code: 'BRG_BACKUP_RUNNING' } });
      const whenBegun = streams.map(({ ackedAtMs }) => ackedAtMs.length);
      const { path = '', summary } = await backedUp(bridge);
      expect(summary).toMatchObject({ agents: 3, heavyAgents: 2 });
      const throughMs = summary?.throughMs ?? 0;
      const sent = await Promise.all(streams.map((stream) => stream.stopped()));
      await bridge.end('SIGKILL');

      await restoreBackup(path, target, { force: false, nowMs: 0 });
      const restored = await startBridge(target, DEVICES);
      for (const [index, address] of ALL.entries()) {
        const stream = streams[index];
        const must = stream?.ackedBefore(throughMs) ?? NaN;
        // Messages were taken while it was made.
        expect(must).toBeGreaterThan(whenBegun[index] ?? NaN);
        const { applied, duplicates } = await count(restored, address);
        expect(duplicates).toBe(0);
        expect(applied).toBeGreaterThanOrEqual(must);
        expect(applied).toBeLessThanOrEqual(sent[index] ?? NaN);
        expect(await points(restored, address)).toBe(applied);
        const state = await bridgeState(restored, address);
        expect(state).toMatchObject({ x: applied - 1 });
        if (BOOKS.includes(address)) {
          expect(await call(restored, address, 'readings')).toEqual({
            rows: applied,
            seqs: applied,
            state: applied,
          });
        }
      }
    },
    60_000,
  );

  it('leaves nothing behind when the disk fills up, and the bridge goes on', async () => {
    const dataDir = await testDataDir();
    const bridge = await startBridge(dataDir, DEVICES);
    await call(bridge, 'book/b1', 'readings');
    // A file where the directory should be is as good as a disk that takes nothing.
    writeFileSync(join(dataDir, 'backups'), '');
    const begun = await bridge.request('POST', '/api/backup');
    expect(begun.status).toBe(202);
    const failed = await until(async () => {
      const status = await bridge.get<Status>('/api/backup');
      return status.state === 'failed' ? status : null;
    });
    expect(failed).toMatchObject({ code: expect.stringMatching(/^BRG_/) });
    expect(await call(bridge, 'book/b1', 'readings')).toMatchObject({ rows: 0 });
  });
});
