import { afterEach, describe, expect, it } from 'vitest';
import { definitions } from '../../devices/index.ts';
import type { DeviceDefinition } from '../../src/device/index.ts';
import { decodePayload, encodePayload } from '../../src/wire/index.ts';
import type { SimulatedDeviceOptions } from '../../firmware-sim/device-options.ts';
import { SimulatedDevice } from '../../firmware-sim/simulated-device.ts';
import { startBroker, until, type Seen, type TestBroker } from './broker.ts';

const FAST = { baseMs: 20, ceilingMs: 100 };
const devices: SimulatedDevice[] = [];

afterEach(() => {
  for (const device of devices.splice(0)) {
    device.stop();
    device.kill();
  }
});

function definitionOf(model: string): DeviceDefinition {
  const found = definitions.find((definition) => definition.model === model);
  if (found === undefined) throw new Error(`no model ${model}`);
  return found;
}

function create(broker: string, options: Partial<SimulatedDeviceOptions> = {}): SimulatedDevice {
  const device = new SimulatedDevice({
    definition: definitionOf('greenhouse'),
    id: 't1',
    broker,
    codec: 'json',
    seed: 42,
    rate: 0,
    backoff: FAST,
    ...options,
  });
  devices.push(device);
  return device;
}

async function online(device: SimulatedDevice): Promise<void> {
  device.connect();
  await until('device is online', () => device.isOnline);
}

function valueOf(seen: Seen | undefined): Record<string, unknown> {
  if (seen === undefined) throw new Error('no such message');
  return decodePayload(seen.payload).value as Record<string, unknown>; // devices send maps
}

function sequence(broker: TestBroker): unknown[] {
  return broker.on('/telemetry').map((message) => valueOf(message).seq);
}

describe('presence', () => {
  it('says online, retained, and leaves a retained will that says offline', async () => {
    await using broker = await startBroker();
    const device = create(broker.url);
    await online(device);
    await until('online was said', () => broker.on('/presence').length === 1);
    device.drop(60_000);
    await until('the will was published', () => broker.on('/presence').length === 2);
    const said = broker.on('/presence').map(({ payload, retain, qos }) => [payload.toString(), retain, qos]);
    expect(said).toEqual([
      ['online', true, 1],
      ['offline', true, 1],
    ]);
  });

  it('says offline itself when it leaves in good order', async () => {
    await using broker = await startBroker();
    const device = create(broker.url);
    await online(device);
    await device.disconnect();
    expect(device.isOnline).toBe(false);
    const last = broker.on('/presence').at(-1);
    expect([last?.client, last?.payload.toString()]).toEqual(['sim-greenhouse-t1', 'offline']);
  });
});

describe('reported state', () => {
  it('is sent at boot, with the settings of the hardware', async () => {
    await using broker = await startBroker();
    await online(create(broker.url));
    await until('it reported', () => broker.on('/reported').length === 1);
    expect(valueOf(broker.on('/reported')[0])).toMatchObject({ vent: 'closed', encoding: 'json' });
  });

  it('follows what is desired, and leaves out what the hardware cannot do', async () => {
    await using broker = await startBroker();
    await online(create(broker.url, { definition: definitionOf('thermostat') }));
    const delta = { target: 23, temperature: 5, label: 'hall' };
    await broker.publish('devices/thermostat/t1/desired', JSON.stringify({ version: 3, delta }));
    await until('it reported', () => broker.on('/reported').length === 2);
    expect(valueOf(broker.on('/reported')[1])).toEqual({ target: 23, label: 'hall' });
  });
});

describe('telemetry', () => {
  it('has the same values for the same seed, whatever the rate, and others for another', async () => {
    await using broker = await startBroker();
    const valuesWith = (seed: number, rate: number): unknown[] => {
      const device = create(broker.url, { seed, rate, definition: definitionOf('pump') });
      device.connect();
      const values: unknown[] = [];
      device.on('telemetry', ({ ts: _ts, boot: _boot, ...rest }) => values.push(rest));
      for (let count = 0; count < 50; count++) device.measure();
      device.kill();
      return values;
    };
    expect(valuesWith(7, 0)).toEqual(valuesWith(7, 1));
    expect(valuesWith(7, 0)).not.toEqual(valuesWith(8, 0));
  });

  it('uses the short keys of the definition in CBOR', async () => {
    await using broker = await startBroker();
    const device = create(broker.url, { codec: 'cbor' });
    await online(device);
    device.measure();
    await until('telemetry came', () => broker.on('/telemetry').length === 1);
    expect(Object.keys(valueOf(broker.on('/telemetry')[0]))).toEqual(['ts', 'boot', 'seq', 't', 'h', 'b']);
  });

  it('goes out again with the same boot and seq, in order, after a lost connection', async () => {
    await using broker = await startBroker();
    const device = create(broker.url);
    await online(device);
    await until('the boot is reported', () => device.pending === 0);
    broker.holdAcknowledgements(true);
    for (let count = 0; count < 5; count++) device.measure();
    await until('all were sent', () => sequence(broker).length === 5);
    const boots = new Set(broker.on('/telemetry').map((message) => valueOf(message).boot));
    device.drop(50);
    for (let count = 0; count < 3; count++) device.measure();
    broker.holdAcknowledgements(false);
    await until('everything is acknowledged', () => device.pending === 0);
    expect(sequence(broker)).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...boots]).toEqual([device.boot]);
    expect(device.counters).toMatchObject({ measured: 8, sent: 13, acked: 8, dropped: 0, reconnects: 1 });
  });

  it('keeps the newest messages when the outbox is full, and counts the rest', async () => {
    await using broker = await startBroker();
    const device = create(broker.url, { outboxMessagesMax: 3 });
    await online(device);
    await until('the boot is reported', () => device.pending === 0);
    device.drop(50);
    for (let count = 0; count < 5; count++) device.measure();
    await until('everything is acknowledged', () => device.pending === 0);
    expect(sequence(broker)).toEqual([3, 4, 5]);
    expect(device.counters).toMatchObject({ dropped: 2, acked: 3 });
  });

  it('starts again at seq 1 with a higher boot after a power cut, without what was in RAM', async () => {
    await using broker = await startBroker();
    const device = create(broker.url);
    await online(device);
    device.measure();
    await until('everything is acknowledged', () => device.pending === 0);
    const firstBoot = device.boot;
    device.drop(60_000);
    device.measure();
    device.kill();
    device.measure();
    await online(device);
    device.measure();
    await until('everything is acknowledged', () => device.pending === 0);
    expect(sequence(broker)).toEqual([1, 1]);
    expect(device.boot).toBeGreaterThan(firstBoot);
    expect(device.counters.dropped).toBe(1);
  });
});

describe('commands', () => {
  it('are answered, and change what the sensors show', async () => {
    await using broker = await startBroker();
    const device = create(broker.url, { definition: definitionOf('pump') });
    await online(device);
    await broker.publish('devices/pump/t1/command/stop/c1', Buffer.from(encodePayload(null, 'cbor')));
    await until('it answered', () => broker.on('/result/c1').length === 1);
    expect(valueOf(broker.on('/result/c1')[0])).toMatchObject({ ok: true });
    await until('telemetry came', () => broker.on('/telemetry').length === 1);
    expect(valueOf(broker.on('/telemetry')[0])).toMatchObject({ running: false });
    for (let count = 0; count < 60; count++) device.measure();
    expect(device.readings()).toMatchObject({ rpm: 0, pressure: 0 });
  });

  it('act once when they are delivered twice, and get the same answer', async () => {
    await using broker = await startBroker();
    const device = create(broker.url);
    await online(device);
    for (let count = 0; count < 2; count++) {
      await broker.publish('devices/greenhouse/t1/command/vent/c1', '"open"');
    }
    await until('it answered twice', () => broker.on('/result/c1').length === 2);
    expect(broker.on('/result/c1').map(valueOf)).toEqual([
      { ok: true, value: 'open' },
      { ok: true, value: 'open' },
    ]);
    expect(device.counters.commands).toBe(1);
    await until('it reported', () => broker.on('/reported').length === 2);
    expect(valueOf(broker.on('/reported')[1])).toEqual({ vent: 'open' });
  });

  it('are refused with a reason when the argument is wrong, or they are unknown', async () => {
    await using broker = await startBroker();
    const device = create(broker.url);
    await online(device);
    await broker.publish('devices/greenhouse/t1/command/vent/c1', '"ajar"');
    await broker.publish('devices/greenhouse/t1/command/explode/c2', '');
    await until('it answered both', () => device.counters.commandsFailed === 2 && device.pending === 0);
    expect(valueOf(broker.on('/result/c1')[0])).toMatchObject({ ok: false });
    expect(valueOf(broker.on('/result/c2')[0])).toEqual({ ok: false, error: "no command 'explode'" });
    expect(device.reportedState()).toMatchObject({ vent: 'closed' });
  });
});

describe('reconnecting', () => {
  it('waits longer after each failure, and comes back when the broker does', async () => {
    const first = await startBroker();
    const { url } = first;
    const port = Number(new URL(url).port);
    const device = create(url, { backoff: { baseMs: 20, ceilingMs: 200 } });
    await online(device);
    const waitsMs: number[] = [];
    device.on('failure', (_reason, retryMs) => waitsMs.push(retryMs));
    await first[Symbol.asyncDispose]();
    await until('it failed some times', () => waitsMs.length >= 6);
    expect(Math.max(...waitsMs.slice(3))).toBeGreaterThan(Math.min(...waitsMs.slice(0, 2)));
    expect(Math.max(...waitsMs)).toBeLessThanOrEqual(200);
    await using _second = await startBroker(port);
    await until('it is back', () => device.isOnline);
    expect(device.counters.reconnects).toBe(1);
  });
});
