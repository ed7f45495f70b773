/** What one client or one address may take, and that the others do not notice. */
import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import type { DeniedReason } from '../../src/broker/counters.ts';
import { Flapping, Throttle, WaitingRoom } from '../../src/broker/edge/index.ts';
import { connect, PINGREQ, publish } from './packets.ts';
import { start, until, type Setup } from './start.ts';

const TELEMETRY = 'devices/greenhouse/g7/telemetry';

/** A waiting room whose connections are ends of pipes, and what it says. */
function room({ connectionsPerSourceMax = 1e6, connectsPerSecondMax = 1e6 } = {}) {
  const opened: string[] = [];
  const denied: DeniedReason[] = [];
  const waiting = new WaitingRoom({
    connectionsPerSourceMax,
    connectsPerSecondMax,
    denied: (reason) => denied.push(reason),
    open: ({ source }) => opened.push(source),
  });
  onTestFinished(() => waiting.close());
  const enter = (source: string) => {
    const [far, stream] = duplexPair();
    far.on('error', () => undefined).resume();
    waiting.enter({ stream, source });
    return { far, stream };
  };
  return { waiting, enter, opened, denied };
}

async function socket(broker: Setup['broker']): Promise<Socket> {
  const made = connectSocket(broker.address.port, broker.address.host);
  made.on('error', () => undefined).resume();
  onTestFinished(() => void made.destroy());
  await once(made, 'connect');
  return made;
}

describe('checklist 3: connections that do not send a CONNECT', () => {
  test('are closed 10 s after they were accepted, silent or a byte at a time', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'setTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const { enter, opened, denied } = room();
    const [silent, slow] = [enter('192.0.2.1'), enter('192.0.2.2')];
    slow.far.write('a');
    await once(slow.stream, 'readable');
    expect(opened).toEqual(['192.0.2.2']);
    vi.advanceTimersByTime(limits.mqttConnectTimeoutMs - 1000);
    slow.far.write('b');
    expect(silent.stream.destroyed || slow.stream.destroyed).toBe(false);
    vi.advanceTimersByTime(1000);
    expect(silent.stream.destroyed && slow.stream.destroyed).toBe(true);
    expect(denied).toEqual(['connect-timeout', 'connect-timeout']);
  });

  test('of one address are 1,000 at most: the oldest makes room, and nobody else', () => {
    const { waiting, enter, denied } = room();
    const other = enter('192.0.2.9');
    const first = enter('192.0.2.1');
    const more = Array.from({ length: limits.mqttSilentPerSourceMax }, () => enter('192.0.2.1'));
    expect(first.stream.destroyed).toBe(true);
    expect([other, ...more].some(({ stream }) => stream.destroyed)).toBe(false);
    expect(denied).toEqual(['silent-limit']);
    expect(waiting.unknownCount).toBe(limits.mqttSilentPerSourceMax + 1);
  });

  test('of all addresses are 4,000 at most; who is known takes no place', () => {
    const { waiting, enter, denied } = room();
    const known = enter('127.0.0.1');
    waiting.introduced(known.stream);
    const [oldest] = Array.from({ length: limits.mqttSilentMax + 1 }, () => enter('127.0.0.1'));
    expect(oldest?.stream.destroyed).toBe(true);
    expect(known.stream.destroyed).toBe(false);
    expect(denied).toEqual(['silent-limit']);
  });

  test('cost nothing of a client, and an end without a word ends them', async () => {
    const { broker, counts } = await start();
    const silent = await socket(broker);
    const gone = await socket(broker);
    await until(() => broker.numbers()['mooring_mqtt_unknown_connections'] === 2);
    gone.end();
    await until(() => broker.numbers()['mooring_mqtt_unknown_connections'] === 1);
    silent.write(connect({ clientId: 'late' }));
    await until(() => broker.connectionCount() === 1);
    expect(broker.numbers()['mooring_mqtt_unknown_connections']).toBe(0);
    expect(counts.denied).toEqual([]);
  });
});

describe('checklist 16: a flood of connections', () => {
  test('of one address is bounded, that of this machine is not: a proxy may stand there', async () => {
    const { waiting, enter, denied } = room({ connectionsPerSourceMax: 2 });
    const [first] = [enter('192.0.2.1'), enter('192.0.2.1')];
    expect(enter('192.0.2.1').stream.destroyed).toBe(true);
    expect(denied).toEqual(['source-limit']);
    const local = ['127.0.0.1', '::1', '::ffff:127.0.0.1'].flatMap((at) => [enter(at), enter(at), enter(at)]);
    expect([enter('192.0.2.2'), ...local].some(({ stream }) => stream.destroyed)).toBe(false);
    first?.stream.destroy();
    await until(() => waiting.size === 11);
    expect(enter('192.0.2.1').stream.destroyed).toBe(false);
  });

  test('is opened at the rate that is allowed, in its order', async () => {
    const { enter, opened } = room({ connectsPerSecondMax: 20 });
    const all = Array.from({ length: 30 }, (_, n) => enter(`192.0.2.${n}`));
    for (const { far } of all) far.write('x');
    await until(() => opened.length >= 21);
    const soon = opened.length; // a second's worth and one
    expect(soon).toBeLessThan(30);
    await until(() => opened.length === 30);
    expect(opened).toEqual(all.map((_, n) => `192.0.2.${n}`));
  });
});

describe('checklist 10: a name that connects again and again', () => {
  test('is refused for a minute after 60 CONNECTs within one, and nobody else', () => {
    const flapping = new Flapping(60);
    const verdicts = Array.from({ length: 61 }, (_, n) => flapping.connects('pump/p1', n * 900));
    expect(new Set(verdicts.slice(0, 60))).toEqual(new Set(['let-in']));
    expect(verdicts[60]).toBe('refused-first');
    expect(flapping.connects('pump/p1', 60 * 900 + 1)).toBe('refused');
    expect(flapping.connects('pump/p2', 60 * 900 + 1)).toBe('let-in');
    const later = 60 * 900 + limits.mqttFlappingRefusedMs;
    expect(flapping.connects('pump/p1', later - 1)).toBe('refused');
    expect(flapping.connects('pump/p1', later)).toBe('let-in');
  });

  test('once a second is none, for as long as it likes', () => {
    const flapping = new Flapping(60);
    for (let second = 0; second < 1000; second++)
      expect(flapping.connects('sensor', second * 1000)).toBe('let-in');
  });
});

describe('checklist 17: a client that sends as fast as it can', () => {
  test('is read at its rate: nothing is lost, each is acknowledged, and others do not wait', async () => {
    const { broker, runtime, counts, client } = await start({ edge: { messagesPerSecondMax: 1000 } });
    const greedy = await socket(broker);
    greedy.write(connect({ clientId: 'greedy' }));
    await until(() => broker.connectionCount() === 1);
    const startedMs = performance.now();
    const packets = Array.from({ length: 3000 }, (_, n) => publish(TELEMETRY, 2, (n % 60_000) + 1));
    greedy.write(Buffer.concat(packets));
    const honest = await client();
    await honest.publishAsync('a', 'x', { qos: 1 });
    expect(runtime.delivered.length).toBeLessThan(3000);
    await until(() => runtime.delivered.length === 3000);
    // A second's worth at once; the last read, of 1,724 at most, has to wait for its time.
    expect(performance.now() - startedMs).toBeGreaterThan(250);
    expect(counts.throttled).toBeGreaterThan(0);
    expect(counts.denied).toEqual([]);
  });

  test('has no more under way than one read holds', async () => {
    const { broker, runtime } = await start();
    runtime.mode = 'hold';
    const greedy = await socket(broker);
    greedy.write(connect({ clientId: 'greedy' }));
    await until(() => broker.connectionCount() === 1);
    const one = publish(TELEMETRY, 2, 1);
    const packets = Array.from({ length: 20_000 }, (_, n) => publish(TELEMETRY, 2, n + 1));
    greedy.write(Buffer.concat(packets));
    await until(() => runtime.held.length > 0);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(runtime.held.length).toBeLessThanOrEqual(2 * Math.ceil((64 * 1024) / one.length));
    runtime.mode = 'auto';
    runtime.release();
    await until(() => runtime.delivered.length === 20_000);
    expect(runtime.delivered.length).toBe(20_000);
  });

  test('is asked for no keep alive while nothing is read from it', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const said: string[] = [];
    const reading = { resume: () => said.push('resume'), excuse: () => said.push('excuse') };
    const throttle = new Throttle({ messagesPerSecondMax: 10, bytesPerSecondMax: 1e9 }, reading);
    expect(throttle.count(35, 100)).toBe(true);
    expect(throttle.isHolding).toBe(true);
    vi.advanceTimersByTime(2499);
    expect(said).toEqual(['excuse', 'excuse']);
    vi.advanceTimersByTime(2);
    expect(said).toEqual(['excuse', 'excuse', 'excuse', 'resume']);
    expect(throttle.isHolding).toBe(false);
    throttle.count(1000, 0);
    throttle.close();
    vi.advanceTimersByTime(200_000);
    expect(said).toHaveLength(4);
  });

  test('counts bytes as well, and requests that are no PUBLISH', async () => {
    const { broker, counts } = await start({ edge: { bytesPerSecondMax: 10_000 } });
    const greedy = await socket(broker);
    greedy.write(connect({ clientId: 'greedy' }));
    await until(() => broker.connectionCount() === 1);
    greedy.write(Buffer.concat(Array.from({ length: 6000 }, () => PINGREQ)));
    await until(() => counts.throttled === 1);
    expect(broker.connectionCount()).toBe(1);
  });
});
