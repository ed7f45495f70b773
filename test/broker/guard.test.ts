/** What is no MQTT ends the connection as the standard says, however its bytes are cut; what is strange but right does not. */
import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { GuardedInput, type QuickPublish } from '../../src/broker/guard/index.ts';
import { sequences, sequencesByRow } from './hostile-packets.ts';
import { connect, packet, packetTypes, PINGREQ, PINGRESP, publish, subscribe, text } from './packets.ts';
import type { Sequence } from './sequence.ts';
import { start, until } from './start.ts';

const GUARD_LIMITS = {
  connectBytesMax: limits.mqttConnectBytesMax,
  packetBytesMax: limits.mqttPacketBytesMax,
};

interface Guarded {
  /** What went on, those that were taken out in front of the parser as bytes again. */
  readonly passed: Buffer;
  readonly takenCount: number;
  readonly end: string | null;
}

/** What a guard makes of bytes that come in these pieces. @param takes whether PUBLISH packets need no parser */
function guarded(pieces: readonly Buffer[], takes: boolean): Guarded {
  let end: string | null = null;
  let takenCount = 0;
  const passed: Buffer[] = [];
  const input: GuardedInput = new GuardedInput(
    GUARD_LIMITS,
    (bytes) => passed.push(bytes),
    takes
      ? (taken, payload) => {
          takenCount++;
          passed.push(bytesOf(taken, payload));
        }
      : null,
    ({ returnCode }) => (end = returnCode === 0 ? 'closed' : `refused ${returnCode}`),
  );
  for (const piece of pieces) {
    input.take(piece);
    input.connected();
  }
  return { passed: Buffer.concat(passed), takenCount, end };
}

function bytesOf({ topic, qos, isDup, isRetained, packetId }: QuickPublish, payload: Buffer): Buffer {
  const first = 0x30 | (qos << 1) | (isDup ? 8 : 0) | (isRetained ? 1 : 0);
  const id = qos === 0 ? [] : [packetId >> 8, packetId & 255];
  return packet(first, Buffer.concat([text(topic), Buffer.from(id), payload]));
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [
    0,
    ...at.map((share) => Math.floor(share * bytes.length)).toSorted((a, b) => a - b),
    bytes.length,
  ];
  return places.slice(1).map((to, i) => bytes.subarray(places[i], to));
}

function whole({ isConnected, bytes }: Sequence): Buffer {
  return isConnected ? Buffer.concat([connect(), bytes]) : bytes;
}

test('there are more than 200 hostile sequences, each with a name of its own', () => {
  const hostile = sequences.filter(({ outcome }) => outcome !== 'open');
  expect(hostile.length).toBeGreaterThan(200);
  expect(new Set(sequences.map(({ name, isConnected }) => `${name} ${isConnected}`)).size).toBe(
    sequences.length,
  );
});

describe('the guard', () => {
  test('answers each sequence as it should, whole and byte by byte', () => {
    const wrong = sequences.flatMap((sequence) => {
      const bytes = whole(sequence);
      const expected = sequence.outcome === 'open' ? null : sequence.outcome;
      const pieces = [[bytes], Array.from(bytes, (byte) => Buffer.from([byte]))];
      return pieces
        .flatMap((cuts) => [guarded(cuts, false), guarded(cuts, true)])
        .map(({ end }) => end === expected || sequence.name)
        .filter((ok) => ok !== true);
    });
    expect(wrong).toEqual([]);
  });

  test('says the same and lets the same through wherever the bytes are cut', () => {
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
    const streams = fc.array(
      fc.constantFrom(...sequences.map(({ bytes }) => bytes).filter(({ length }) => length < 500)),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    fc.assert(
      fc.property(streams, cuts, (packets, at) => {
        const bytes = Buffer.concat([connect(), ...packets]);
        const [together, apart] = [guarded([bytes], false), guarded(cut(bytes, at), false)];
        expect(apart.end).toBe(together.end);
        // In pieces, the beginning of a wrong packet may have gone on; what the parser gets is a prefix of it.
        expect(bytes.subarray(0, apart.passed.length).equals(apart.passed)).toBe(true);
        expect(apart.passed.length).toBeGreaterThanOrEqual(together.passed.length);
      }),
      { numRuns: 500 },
    );
  });

  test('takes PUBLISH packets out in front of the parser as they are and in order, wherever the bytes are cut', () => {
    let takenCount = 0;
    fc.assert(
      fc.property(fc.array(rightPacket, { maxLength: 12 }), cutsOf(), (packets, at) => {
        const bytes = Buffer.concat([connect(), ...packets]);
        const apart = guarded(cut(bytes, at), true);
        expect(apart.end).toBeNull();
        expect(apart.passed.equals(bytes)).toBe(true);
        const whole = guarded([connect(), bytes.subarray(connect().length)], true);
        expect(whole.takenCount).toBe(packets.filter(isTaken).length);
        takenCount += whole.takenCount;
      }),
      { numRuns: 1000 },
    );
    expect(takenCount).toBeGreaterThan(1000);
  });

  test('lets nothing of a wrong packet through that came whole', () => {
    for (const { bytes, outcome } of sequences.filter(({ isConnected }) => isConnected)) {
      if (outcome === 'open') continue;
      const { passed } = guarded([Buffer.concat([connect(), PINGREQ]), bytes], false);
      expect(passed.length).toBeLessThan(connect().length + PINGREQ.length + bytes.length);
    }
  });

  test('any bytes at all end it or not, and never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), cutsOf(), (noise, at) => {
        const bytes = Buffer.concat([connect(), Buffer.from(noise)]);
        const { end } = guarded([bytes], false);
        expect(guarded(cut(bytes, at), false).end).toBe(end);
        expect(guarded(cut(bytes, at), true).end).toBe(end);
      }),
      { numRuns: 2000 },
    );
  });
});

const rightPacket: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 4, arbitrary: rightPublish() },
  { weight: 1, arbitrary: fc.constantFrom(PINGREQ, subscribe('a/#'), Buffer.from([0x40, 2, 0, 7])) },
);

function rightPublish(): fc.Arbitrary<Buffer> {
  const topic = fc.constantFrom(
    'a',
    'b',
    'devices/pump/p1/telemetry',
    'devices/pump/p2/telemetry',
    'zürich/ö',
  );
  const flags = fc.constantFrom(0, 1, 2, 3, 0x0a, 0x0b, 4, 0x0d);
  return fc
    .record({
      topic,
      flags,
      id: fc.integer({ min: 1, max: 65_535 }),
      payload: fc.uint8Array({ maxLength: 300 }),
    })
    .map(({ topic, flags, id, payload }) => {
      const packetId = (flags & 6) === 0 ? [] : [id >> 8, id & 255];
      return packet(0x30 | flags, Buffer.concat([text(topic), Buffer.from(packetId), payload]));
    });
}

/** A PUBLISH of QoS 0 or 1. */
function isTaken(bytes: Buffer): boolean {
  return bytes[0]! >> 4 === 3 && (bytes[0]! & 4) === 0;
}

function cutsOf(): fc.Arbitrary<number[]> {
  return fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });
}

describe('the broker', () => {
  test.each([
    [
      'checklist 1: a first packet that is no CONNECT, a second one, and wrong flags are answered as they should',
      1,
    ],
    ['checklist 2: a wrong or huge remaining length ends the connection before its bytes come', 2],
    ['checklist 4: NUL, bad UTF-8, surrogates and control characters end it', 4],
    ['checklist 5: topics of more than 100 levels end it', 5],
    ['checklist 7: filters and topics with wildcards inside of a level end it', 7],
    ['checklist 8: packet id 0 and acknowledgements of a wrong length end it, unknown ones do not', 8],
  ])('%s', { timeout: 60_000 }, async (_, row) => {
    const { broker } = await start();
    const wrong: string[] = [];
    const rows = sequencesByRow[row] ?? [];
    expect(rows.length).toBeGreaterThan(3);
    const next = rows.values();
    const work = async (): Promise<void> => {
      for (const sequence of next) {
        const outcome = await outcomeOf(sequence, broker.address);
        if (outcome !== sequence.outcome) wrong.push(`${sequence.name}: ${outcome}`);
      }
    };
    await Promise.all(Array.from({ length: 16 }, work));
    expect(wrong).toEqual([]);
    await until(() => broker.connectionCount() === 0);
  });

  test('answers what is right in front of what is wrong, and counts why it ended', async () => {
    const { runtime, counts, socket } = await start();
    const device = await socket();
    await device.connect('g7');
    runtime.mode = 'hold';
    device.socket.write(Buffer.concat([publish('devices/greenhouse/g7/telemetry', 2, 1), publish('a+b')]));
    await until(() => device.isClosed);
    expect(runtime.held.length).toBe(1);
    expect(counts.denied).toEqual(['malformed-packet']);
  });

  test('takes what a client sends before it has the CONNACK [section 3.1.4], however much', async () => {
    const { broker, runtime } = await start();
    const socket = connectSocket(broker.address.port, broker.address.host);
    const publishes = Array.from({ length: 100 }, (_, i) =>
      publish('devices/greenhouse/g7/telemetry', 2, i + 1),
    );
    const large = Buffer.alloc(9000, 0x20).fill('{}', 0, 2);
    const topic = Buffer.from('devices/greenhouse/g7/telemetry');
    const body = Buffer.concat([Buffer.from([0, topic.length]), topic, Buffer.from([0, 101]), large]);
    const last = Buffer.concat([Buffer.from([0x32, (body.length & 127) | 128, body.length >> 7]), body]);
    let received = Buffer.alloc(0);
    socket.on('data', (bytes) => (received = Buffer.concat([received, bytes])));
    socket.write(Buffer.concat([connect(), subscribe('x'), ...publishes, last]));
    await until(() => runtime.delivered.length === 101);
    await until(() => received.length === 4 + 5 + 101 * 4);
    expect(received.subarray(0, 9).toString('hex')).toBe('20020000' + '9003000100');
    socket.destroy();
  });
});

/** Sends a sequence over a connection of its own and says what came of it. */
async function outcomeOf(sequence: Sequence, address: { host: string; port: number }): Promise<string> {
  const socket = connectSocket(address.port, address.host);
  socket.on('error', () => undefined);
  const received: Buffer[] = [];
  socket.on('data', (bytes) => received.push(bytes));
  await once(socket, 'connect');
  if (sequence.isConnected) {
    socket.write(connect({ clientId: `h${socket.localPort}` }));
    await once(socket, 'data');
  }
  socket.write(sequence.bytes);
  if (sequence.outcome === 'open') return answersPing(socket, received);
  if (!socket.closed) await once(socket, 'close', { signal: AbortSignal.timeout(4000) });
  const answer = Buffer.concat(received);
  if (answer.length === 0 || sequence.isConnected) return 'closed';
  return answer.length === 4 && answer[0] === 0x20 ? `refused ${answer[3]}` : answer.toString('hex');
}

async function answersPing(socket: Socket, received: Buffer[]): Promise<string> {
  socket.write(PINGREQ);
  // What other sequences publish arrives too, where this one subscribed to it.
  const isAnswered = (): boolean => packetTypes(Buffer.concat(received)).includes(PINGRESP);
  await until(() => isAnswered() || socket.closed);
  const outcome = socket.closed ? 'closed' : 'open';
  socket.destroy();
  return outcome;
}
