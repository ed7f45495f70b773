/**
 * A publisher that uses little CPU, because it shares the cores with what it measures:
 * `node load-generator.ts '{...LoadSettings}'` prints one line of JSON, LoadReport.
 *
 * Each connection owns a ring of prebuilt units, twice in a row; a unit is what one answer stands for. At QoS 1
 * it is a publish whose packet id is its slot, answered by a PUBACK. At QoS 0 it is `inFlight` publishes and a
 * PINGREQ, whose answer says that the broker has read them; two units are under way. Answers come in order
 * ([MQTT-4.6.0-2], checked for PUBACKs), so those of one read free neighbouring slots: the next units are one
 * slice, sent with one write, and no byte is ever patched or copied.
 */
import { connect, type Socket } from 'node:net';
import {
  CONNACK_BYTES,
  connectPacket,
  DISCONNECT,
  PINGREQ,
  PINGRESP_BYTES,
  PUBACK_BYTES,
  publishPacket,
} from './mqtt-packets.ts';
import { Histogram } from './statistics.ts';

export interface LoadSettings {
  readonly port: number;
  readonly connections: number;
  readonly qos: 0 | 1;
  /** Publishes of one connection not acknowledged yet; at QoS 0: between two PINGREQs, of which two are open. */
  readonly inFlight: number;
  readonly payloadBytes: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Each connection publishes to `<topicPrefix><n>/telemetry`. */
  readonly topicPrefix: string;
}

export interface LoadReport {
  /** Publishes acknowledged, or at QoS 0 read by the broker, warm-up included: what a bridge must have applied. */
  readonly ackedTotal: number;
  /** Those within the measured time. */
  readonly acked: number;
  /** When measuring began, in ms since epoch. */
  readonly measuredFromMs: number;
  readonly seconds: number;
  /** From writing a unit to its answer. */
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  readonly ackMaxMs: number;
  /** CPU time of the generator within the measured time. */
  readonly cpuMs: number;
}

type Phase = 'warm-up' | 'measured' | 'draining';

class Load {
  phase: Phase = 'warm-up';
  ackedTotal = 0;
  acked = 0;
  readonly latency = new Histogram();

  noteAcks(count: number): void {
    this.ackedTotal += count;
    if (this.phase === 'measured') this.acked += count;
  }
}

/** What one answer of the broker stands for. */
interface Units {
  /** Each unit as bytes, all of the same length. */
  readonly ring: readonly Buffer[];
  /** Publishes in one. */
  readonly publishes: number;
  readonly answerBytes: number;
  /** First byte of an answer. */
  readonly answerHeader: number;
}

const QOS0_UNITS_IN_FLIGHT = 2;

function unitsOf({ qos, inFlight, payloadBytes, topicPrefix }: LoadSettings, index: number): Units {
  const topic = `${topicPrefix}${index}/telemetry`;
  const reading = payload(payloadBytes);
  if (qos === 0) {
    const burst = Buffer.concat([...Array<Buffer>(inFlight).fill(publishPacket(topic, 0, reading)), PINGREQ]);
    const ring = Array<Buffer>(QOS0_UNITS_IN_FLIGHT).fill(burst);
    return { ring, publishes: inFlight, answerBytes: PINGRESP_BYTES, answerHeader: 0xd0 };
  }
  const ring = Array.from({ length: inFlight }, (_, slot) => publishPacket(topic, slot + 1, reading));
  return { ring, publishes: 1, answerBytes: PUBACK_BYTES, answerHeader: 0x40 };
}

class Publisher {
  readonly #load: Load;
  readonly #units: Units;
  readonly #slots: number;
  readonly #packets: Buffer;
  readonly #unitBytes: number;
  readonly #sentAtMs: Float64Array;
  readonly #socket: Socket;
  /** Slot of the oldest unit that is not answered. */
  #oldest = 0;
  #unanswered = 0;
  /** Where in an answer the last read ended, and the high byte of its packet id. */
  #answerByte = 0;
  #idHigh = 0;
  #connackLeft = CONNACK_BYTES;
  #drained: (() => void) | undefined;
  readonly connected: Promise<void>;

  constructor(load: Load, settings: LoadSettings, index: number) {
    this.#load = load;
    this.#units = unitsOf(settings, index);
    const { ring } = this.#units;
    this.#slots = ring.length;
    this.#packets = Buffer.concat([...ring, ...ring]);
    this.#unitBytes = ring[0]?.length ?? 0;
    this.#sentAtMs = new Float64Array(this.#slots);
    let isConnected = (): void => {};
    this.connected = new Promise((resolve) => (isConnected = resolve));
    this.#socket = connect({
      host: '127.0.0.1',
      port: settings.port,
      noDelay: true,
      // One buffer for all reads: nothing of a read is kept.
      onread: {
        buffer: Buffer.alloc(16 * 1024),
        callback: (length, buffer) => {
          if (this.#connackLeft > 0) this.#connack(buffer, length, isConnected);
          else this.#read(buffer, length);
          return true;
        },
      },
    });
    this.#socket.on('close', () => {
      if (load.phase !== 'draining' || this.#unanswered > 0) fail('the broker closed a connection');
    });
    this.#socket.on('error', (error) => fail(error.message));
    this.#socket.write(connectPacket(`bench-${process.pid}-${index}`));
  }

  start(): void {
    this.#publish(this.#slots);
  }

  /** Resolves when everything is answered. */
  drained(): Promise<void> {
    if (this.#unanswered === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#drained = resolve));
  }

  end(): void {
    this.#socket.end(DISCONNECT);
  }

  #connack(buffer: Uint8Array, length: number, isConnected: () => void): void {
    if (length !== CONNACK_BYTES || buffer[0] !== 0x20 || buffer[3] !== 0)
      fail('the broker refused a connection');
    this.#connackLeft = 0;
    isConnected();
  }

  #publish(count: number): void {
    const first = (this.#oldest + this.#unanswered) % this.#slots;
    const nowMs = performance.now();
    for (let i = 0; i < count; i++) this.#sentAtMs[(first + i) % this.#slots] = nowMs;
    this.#unanswered += count;
    this.#socket.write(this.#packets.subarray(first * this.#unitBytes, (first + count) * this.#unitBytes));
  }

  #read(buffer: Uint8Array, length: number): void {
    const nowMs = performance.now();
    const { answerBytes, answerHeader, publishes } = this.#units;
    let answers = 0;
    for (let at = 0; at < length; at++) {
      const byte = buffer[at]!;
      if (this.#answerByte === 0 && byte !== answerHeader) fail(`an unexpected packet came: ${byte >> 4}`);
      if (this.#answerByte === 2) this.#idHigh = byte;
      if (++this.#answerByte < answerBytes) continue;
      this.#answerByte = 0;
      this.#answered(answerBytes === PUBACK_BYTES ? (this.#idHigh << 8) | byte : null, nowMs);
      answers++;
    }
    this.#load.noteAcks(answers * publishes);
    if (this.#load.phase !== 'draining') this.#publish(answers);
    else if (this.#unanswered === 0) this.#drained?.();
  }

  #answered(packetId: number | null, nowMs: number): void {
    const slot = this.#oldest;
    if (packetId !== null && packetId !== slot + 1) fail(`PUBACK ${packetId} came before ${slot + 1}`);
    if (this.#load.phase === 'measured') this.#load.latency.add(nowMs - this.#sentAtMs[slot]!, 1);
    this.#oldest = slot + 1 === this.#slots ? 0 : slot + 1;
    this.#unanswered--;
  }
}

/** A reading as a thermostat sends it, padded with spaces. */
function payload(bytes: number): Buffer {
  return Buffer.from(`{"ts":${Date.now()},"t":21.53,"h":40.21}`.padEnd(bytes));
}

function fail(reason: string): never {
  console.error(`load generator: ${reason}`);
  process.exit(1);
}

function seconds(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration * 1000));
}

async function generate(settings: LoadSettings): Promise<LoadReport> {
  const load = new Load();
  const publishers = Array.from(
    { length: settings.connections },
    (_, index) => new Publisher(load, settings, index),
  );
  await Promise.all(publishers.map(({ connected }) => connected));
  for (const publisher of publishers) publisher.start();
  await seconds(settings.warmUpSeconds);
  load.phase = 'measured';
  const startMs = performance.now();
  const measuredFromMs = Date.now();
  const cpuAtStart = process.cpuUsage();
  await seconds(settings.seconds);
  load.phase = 'draining';
  const measuredMs = performance.now() - startMs;
  const cpu = process.cpuUsage(cpuAtStart);
  await Promise.all(publishers.map((publisher) => publisher.drained()));
  for (const publisher of publishers) publisher.end();
  const { acked, ackedTotal, latency } = load;
  return {
    ackedTotal,
    acked,
    measuredFromMs,
    seconds: measuredMs / 1000,
    ackP50Ms: latency.quantileMs(0.5),
    ackP99Ms: latency.quantileMs(0.99),
    ackMaxMs: latency.maxMs,
    cpuMs: (cpu.user + cpu.system) / 1000,
  };
}

if (import.meta.main) {
  // Written by ingest.ts from LoadSettings.
  const settings = JSON.parse(process.argv[2] ?? '{}') as LoadSettings;
  console.log(JSON.stringify(await generate(settings)));
}
