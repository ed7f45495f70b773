/** What a PUBACK promises, proven by killing the process that gave it. */
import { describe, expect, it } from 'vitest';
import { randomStream, type RandomStream } from '../../firmware-sim/random.ts';
import { startBridge, testDataDir, type BridgeProcess, type Ending } from './bridge-process.ts';
import { TelemetryStream } from './telemetry-stream.ts';
import { until } from '../support/until.ts';

const KILLS = 3;
/** PUBACKs until the kill, over all devices: from the first commits to some hundred. */
const ACKS_BEFORE_KILL = { min: 20, max: 1200 };
const RESENT_ALTHOUGH_ACKED = 40;

/** A seed one can give again as E2E_SEED; printed, because the moment of a kill is random. */
function seededRandom(name: string): RandomStream {
  const seed = Number(process.env['E2E_SEED'] ?? Math.floor(Math.random() * 1e9));
  console.log(`${name}: E2E_SEED=${seed}`);
  return randomStream(seed, name);
}

/** Devices that count their PUBACKs together. */
class Fleet {
  readonly devices: TelemetryStream[];
  #acks = 0;
  #threshold = Infinity;
  #reached = (): void => undefined;

  constructor(ids: readonly string[], boot: string | null) {
    const onAck = (): void => {
      if (++this.#acks >= this.#threshold) this.#reached();
    };
    this.devices = ids.map(
      (id, index) => new TelemetryStream(id, { boot, codec: index % 2 ? 'cbor' : 'json', onAck }),
    );
  }

  /** Ends the bridge with `signal` in the very callback of the PUBACK that completes `acks`. */
  endAfter(acks: number, bridge: BridgeProcess, signal: NodeJS.Signals): Promise<Ending> {
    this.#threshold = this.#acks + acks;
    return new Promise((resolve) => {
      this.#reached = () => {
        this.#threshold = Infinity;
        resolve(bridge.end(signal));
      };
    });
  }

  async connect(bridge: BridgeProcess): Promise<void> {
    await Promise.all(this.devices.map((device) => device.connect(bridge)));
  }
}

function between(random: RandomStream, { min, max }: { min: number; max: number }): number {
  return Math.floor(random.between(min, max));
}

describe('checklist 21: kill -9 during a QoS 1 stream', () => {
  it('applies every PUBACKed message exactly once with (boot, seq), over 3 kills and resends', async () => {
    const random = seededRandom('exactly once');
    const dataDir = await testDataDir();
    const fleet = new Fleet(['k1', 'k2', 'k3', 'k4'], 'boot-1');
    let bridge = await startBridge(dataDir);
    await fleet.connect(bridge);
    for (let kill = 1; kill <= KILLS; kill++) {
      for (const device of fleet.devices) {
        device.stream([...device.lastAcked(RESENT_ALTHOUGH_ACKED), ...device.unacked]);
      }
      const { signal } = await fleet.endAfter(between(random, ACKS_BEFORE_KILL), bridge, 'SIGKILL');
      expect(signal).toBe('SIGKILL');
      bridge = await startBridge(dataDir);
      await fleet.connect(bridge);
    }
    for (const device of fleet.devices) {
      await device.resend(device.unacked);
      await device.resend(device.lastAcked(RESENT_ALTHOUGH_ACKED));
      expect(device.unacked).toEqual([]);
      const applied = await until(async () => {
        const seen = await device.applied(bridge);
        return seen.applied >= device.sent && seen.duplicates >= RESENT_ALTHOUGH_ACKED ? seen : null;
      }, `${device.id} to have all applied`);
      expect(applied).toMatchObject({
        applied: device.sent,
        historyCount: device.sent,
        last: device.sent - 1,
        isInOrder: true,
        rejected: 0,
      });
    }
    const sum = fleet.devices.reduce((total, { sent }) => total + sent, 0);
    expect(sum).toBeGreaterThan(KILLS * ACKS_BEFORE_KILL.min);
  }, 60_000);

  it('applies every PUBACKed message at least once without (boot, seq), without a resend', async () => {
    const random = seededRandom('at least once');
    const dataDir = await testDataDir();
    const fleet = new Fleet(['n1', 'n2', 'n3'], null);
    const bridge = await startBridge(dataDir);
    await fleet.connect(bridge);
    for (const device of fleet.devices) device.stream();
    await fleet.endAfter(between(random, ACKS_BEFORE_KILL), bridge, 'SIGKILL');

    const restarted = await startBridge(dataDir);
    for (const device of fleet.devices) {
      const { applied, historyCount, last, isInOrder } = await device.applied(restarted);
      const lastAcked = device.lastAcked(1)[0] ?? -1;
      expect(applied).toBeGreaterThanOrEqual(device.acked.size);
      expect(applied).toBeLessThanOrEqual(device.sent);
      expect({ historyCount, isInOrder }).toEqual({ historyCount: applied, isInOrder: true });
      // One connection is taken in order: what is applied is everything up to some message.
      expect(last ?? -1).toBe(applied - 1);
      expect(applied - 1).toBeGreaterThanOrEqual(lastAcked);
    }
  }, 30_000);

  it('delivers commands the API has accepted, also those a device got and had not answered', async () => {
    const dataDir = await testDataDir();
    const bridge = await startBridge(dataDir);
    const path = '/api/agents/thermostat/t1/commands/set-target';
    const device = await bridge.mqtt({ clientId: 't1', clean: false });
    const received: string[] = [];
    device.on('message', (topic, payload) => received.push(`${topic} ${payload.toString()}`));
    await device.subscribeAsync('devices/thermostat/t1/command/#', { qos: 1 });
    const accepted: { cid: string; target: number }[] = [];
    for (const target of [18, 19.5]) {
      const answer = await bridge.request('POST', `${path}?timeout=0`, target);
      expect(answer).toMatchObject({ status: 200, body: { status: 'pending' } });
      accepted.push({ cid: (answer.body as { cid: string }).cid, target }); // matched above
    }
    await until(() => received.length === 2, 'the device to have both');
    device.end(true);
    const third = await bridge.request('POST', `${path}?timeout=0`, 21);
    accepted.push({ cid: (third.body as { cid: string }).cid, target: 21 }); // as above
    await bridge.end('SIGKILL');

    const restarted = await startBridge(dataDir);
    const again = await restarted.mqtt({ clientId: 't1', clean: false });
    const redelivered = new Map<string, number>();
    again.on('message', (topic, payload) => {
      const cid = topic.split('/').at(-1) ?? '';
      redelivered.set(cid, Number(payload.toString()));
      again.publish(`devices/thermostat/t1/result/${cid}`, '{"ok":true}', { qos: 1 });
    });
    await again.subscribeAsync('devices/thermostat/t1/command/#', { qos: 1 });
    await until(() => redelivered.size === 3, 'the device to have all three');
    expect([...redelivered]).toEqual(accepted.map(({ cid, target }) => [cid, target]));
    await until(async () => {
      const { items } = await restarted.get<{ items: { cid: string; status: string }[] }>(
        '/api/agents/thermostat/t1/commands',
      );
      return items.length === 3 && items.every(({ status }) => status === 'done');
    }, 'all to be done');
  }, 30_000);
});

describe('SIGTERM during a QoS 1 stream', () => {
  it('exits 0, leaves nothing to replay and loses nothing that was PUBACKed, without a resend', async () => {
    const random = seededRandom('sigterm');
    const dataDir = await testDataDir();
    const fleet = new Fleet(['s1', 's2', 's3'], 'boot-1');
    const bridge = await startBridge(dataDir);
    await fleet.connect(bridge);
    for (const device of fleet.devices) device.stream();
    const ending = await fleet.endAfter(between(random, ACKS_BEFORE_KILL), bridge, 'SIGTERM');
    expect(ending).toEqual({ code: 0, signal: null });

    const restarted = await startBridge(dataDir);
    expect(restarted.log).not.toContain('journal replayed');
    for (const device of fleet.devices) {
      const before = await device.applied(restarted);
      expect(before.applied).toBeGreaterThanOrEqual(device.acked.size);
      expect(before.last ?? -1).toBe(before.applied - 1);
      expect(before).toMatchObject({ historyCount: before.applied, isInOrder: true });
    }
    await fleet.connect(restarted);
    for (const device of fleet.devices) {
      await device.resend(device.unacked);
      const after = await until(async () => {
        const seen = await device.applied(restarted);
        return seen.applied >= device.sent ? seen : null;
      }, `${device.id} to have all applied`);
      expect(after).toMatchObject({ applied: device.sent, historyCount: device.sent, last: device.sent - 1 });
    }
  }, 30_000);
});
