import { describe, expect, it } from 'vitest';
import { definitions } from '../../devices/index.ts';
import { assert } from '../../src/base/errors.ts';
import { checkMetricValue } from '../../src/device/index.ts';
import { Backoff } from '../../firmware-sim/backoff.ts';
import { Fleet, type FleetEvent } from '../../firmware-sim/fleet.ts';
import { Outbox } from '../../firmware-sim/outbox.ts';
import { Plant } from '../../firmware-sim/plant.ts';
import { randomStream } from '../../firmware-sim/random.ts';
import { LatencyHistogram } from '../../firmware-sim/statistics.ts';
import { startBroker, until } from './broker.ts';

describe('a fleet', () => {
  it('connects every model, counts every PUBACK and leaves in good order', async () => {
    await using broker = await startBroker();
    const events: FleetEvent[] = [];
    const fleet = new Fleet(
      {
        definitions,
        devicesPerModel: 2,
        broker: broker.url,
        seed: 1,
        encoding: 'mixed',
        rate: 20,
        rampPerSecond: 1000,
        speed: 1,
      },
      (event) => events.push(event),
    );
    fleet.start();
    await until('enough was acknowledged', () => fleet.statistics().acked >= 50);
    fleet.stopMeasuring();
    expect(await fleet.drain()).toBe(true);
    const statistics = fleet.statistics();
    expect(statistics).toMatchObject({ devices: 10, connected: 10, pending: 0, dropped: 0 });
    expect(statistics.acked).toBe(statistics.measured);
    expect(statistics.acked).toBe(broker.on('/telemetry').length);
    expect(statistics.pubackP99Ms).toBeGreaterThanOrEqual(statistics.pubackP50Ms ?? Infinity);
    expect(events.filter(({ event }) => event === 'online')).toHaveLength(10);
    await fleet.stop();
    const goodbyes = broker.on('/presence').filter(({ payload }) => payload.toString() === 'offline');
    expect(goodbyes).toHaveLength(10);
  });

  it('does not change the values of its devices when it grows', () => {
    const readings = (devicesPerModel: number): unknown =>
      new Fleet({
        definitions,
        devicesPerModel,
        broker: 'mqtt://127.0.0.1:1',
        seed: 5,
        encoding: 'json',
        rate: 1,
        rampPerSecond: 1,
        speed: 1,
      }).devices
        .slice(0, definitions.length)
        .map((device) => device.readings());
    expect(readings(4)).toEqual(readings(1));
  });
});

describe.each(definitions)('the physics of $model', (definition) => {
  it('stays within the ranges of its metrics for a simulated week', () => {
    const plant = new Plant(definition, randomStream(3, definition.model));
    for (let step = 0; step < 2000; step++) {
      plant.step(300);
      const readings = plant.readings();
      expect(Object.keys(readings)).toEqual(definition.metrics.map(({ name }) => name));
      for (const [name, value] of Object.entries(readings)) {
        expect(checkMetricValue(definition, name, value)).toBe(value);
      }
    }
  });

  it('moves at least one metric every minute', () => {
    const plant = new Plant(definition, randomStream(3, definition.model));
    const before = JSON.stringify(plant.readings());
    for (let step = 0; step < 60; step++) plant.step(1);
    expect(JSON.stringify(plant.readings())).not.toBe(before);
  });
});

describe('a worn bearing', () => {
  const pump = definitions.find(({ model }) => model === 'pump');
  assert(pump !== undefined, 'there is a pump');
  const running = (): Plant => {
    const plant = new Plant(pump, randomStream(3, 'pump'));
    for (let step = 0; step < 60; step++) plant.step(1);
    return plant;
  };
  const vibration = (plant: Plant): number => Number(plant.readings()['vibration']);

  it('shakes the pump more and more while it turns, not when it stands, and no more once it was replaced', () => {
    const plant = running();
    plant.wear.begin('bearing', 100);
    for (let step = 0; step < 50; step++) plant.step(1);
    const half = vibration(plant);
    expect(half).toBeGreaterThan(5);
    for (let step = 0; step < 60; step++) plant.step(1);
    expect(vibration(plant)).toBeGreaterThan(half);
    expect(vibration(plant)).toBeLessThan(20); // where the model's own rule raises its alert
    plant.actuate('running', false);
    for (let step = 0; step < 60; step++) plant.step(1);
    expect(vibration(plant)).toBeLessThan(0.5);
    plant.wear.repair();
    plant.actuate('running', true);
    for (let step = 0; step < 60; step++) plant.step(1);
    expect(vibration(plant)).toBeLessThan(4);
  });

  it('changes no other value, and no device has another part', () => {
    const [sound, worn] = [running(), running()];
    worn.wear.begin('bearing', 10);
    for (const plant of [sound, worn]) for (let step = 0; step < 20; step++) plant.step(1);
    expect({ ...worn.readings(), vibration: 0 }).toEqual({ ...sound.readings(), vibration: 0 });
    expect(() => worn.wear.begin('belt', 10)).toThrow('no part "belt"; what wears: bearing');
  });
});

describe('Backoff', () => {
  it('doubles from 500 ms to 30 s with up to half of jitter, and starts over after a reset', () => {
    const backoff = new Backoff(randomStream(1, 'backoff'));
    const expectedMs = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
    for (const fullMs of expectedMs) {
      const waitMs = backoff.next();
      expect(waitMs).toBeGreaterThanOrEqual(fullMs / 2);
      expect(waitMs).toBeLessThanOrEqual(Math.min(30_000, fullMs * 1.5));
    }
    backoff.reset();
    expect(backoff.next()).toBeLessThanOrEqual(750);
  });

  it('differs between devices, so that a fleet does not come back at once', () => {
    const waitsMs = Array.from({ length: 100 }, (_, id) =>
      new Backoff(randomStream(1, `${id}/backoff`)).next(),
    );
    expect(new Set(waitsMs).size).toBe(100);
    expect(Math.max(...waitsMs) - Math.min(...waitsMs)).toBeGreaterThan(400);
  });
});

describe('Outbox', () => {
  const entry = (name: string) =>
    ({ topic: name, payload: new Uint8Array(), kind: 'telemetry', sentAtMs: 0 }) as const;

  it('hands out again, in order, what was in flight when the connection was lost', () => {
    const outbox = new Outbox(10);
    for (const name of ['a', 'b', 'c']) outbox.push(entry(name));
    const first = outbox.take();
    outbox.take();
    if (first !== undefined) outbox.acknowledge(first);
    outbox.connectionLost();
    expect([outbox.take()?.topic, outbox.take()?.topic, outbox.take()]).toEqual(['b', 'c', undefined]);
  });

  it('drops the oldest, and ignores a PUBACK for it', () => {
    const outbox = new Outbox(2);
    outbox.push(entry('a'));
    const taken = outbox.take();
    outbox.push(entry('b'));
    expect(outbox.push(entry('c'))?.topic).toBe('a');
    expect(taken === undefined ? undefined : outbox.acknowledge(taken)).toBe(false);
    expect([outbox.size, outbox.inFlight, outbox.take()?.topic]).toEqual([2, 0, 'b']);
  });
});

describe('LatencyHistogram', () => {
  it('gives percentiles to within 5 %', () => {
    const histogram = new LatencyHistogram();
    expect(histogram.percentile(0.5)).toBeNull();
    for (let latencyMs = 1; latencyMs <= 1000; latencyMs++) histogram.record(latencyMs);
    for (const share of [0.5, 0.95, 0.99]) {
      const exact = share * 1000;
      expect(histogram.percentile(share)).toBeGreaterThanOrEqual(exact * 0.99);
      expect(histogram.percentile(share)).toBeLessThanOrEqual(exact * 1.06);
    }
  });
});
