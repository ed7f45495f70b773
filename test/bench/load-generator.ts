/**
 * A QoS 1 publisher that uses little CPU, because it shares the cores with what it measures:
 * `node load-generator.ts '{...LoadSettings}'` prints one line of JSON, LoadReport.
 *
 * Each connection owns a ring of prebuilt packets whose packet ids are its slots, twice in a row. PUBACKs
 * come in order ([MQTT-4.6.0-2], checked), so those of one read free neighbouring slots: the next
 * packets are one slice, sent with one write, and no byte is ever patched or copied.
 */
import { connect, type Socket } from 'node:net';
import { CONNACK_BYTES, connectPacket, DISCONNECT, PUBACK_BYTES, publishPacket } from './mqtt-packets.ts';
import { Histogram } from './statistics.ts';

export interface LoadSettings {
  readonly port: number;
  readonly connections: number;
  /** Publishes of one connection not acknowledged yet. */
  readonly inFlight: number;
  readonly payloadBytes: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  /** Each connection publishes to `<topicPrefix><n>/telemetry`. */
  readonly topicPrefix: string;
}

export interface LoadReport {
  /** PUBACKs, warm-up included: what a bridge must have applied. */
  readonly ackedTotal: number;
  /** PUBACKs within the measured time. */
  readonly acked: number;
  readonly seconds: number;
  readonly pubackP50Ms: number;
  readonly pubackP99Ms: number;
  readonly pubackMaxMs: number;
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

class Publisher {
  readonly #load: Load;
  readonly #inFlight: number;
  readonly #packets: Buffer;
  readonly #packetBytes: number;
  readonly #sentAtMs: Float64Array;
  readonly #socket: Socket;
  /** Slot of the oldest publish that is not acknowledged. */
  #oldest = 0;
  #unacknowledged = 0;
  /** Where in a PUBACK the last read ended, and the high byte of its packet id. */
  #ackByte = 0;
  #idHigh = 0;
  #connackLeft = CONNACK_BYTES;
  #drained: (() => void) | undefined;
  readonly connected: Promise<void>;

  constructor(load: Load, settings: LoadSettings, index: number) {
    this.#load = load;
    this.#inFlight = settings.inFlight;
    const topic = `${settings.topicPrefix}${index}/telemetry`;
    const ring = Array.from({ length: settings.inFlight }, (_, slot) =>
      publishPacket(topic, slot + 1, payload(settings.payloadBytes)),
    );
    this.#packets = Buffer.concat([...ring, ...ring]);
    this.#packetBytes = ring[0]?.length ?? 0;
    this.#sentAtMs = new Float64Array(settings.inFlight);
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
      if (load.phase !== 'draining' || this.#unacknowledged > 0) fail('the broker closed a connection');
    });
    this.#socket.on('error', (error) => fail(error.message));
    this.#socket.write(connectPacket(`bench-${process.pid}-${index}`));
  }

  start(): void {
    this.#publish(this.#inFlight);
  }

  /** Resolves when everything is acknowledged. */
  drained(): Promise<void> {
    if (this.#unacknowledged === 0) return Promise.resolve();
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
    const first = (this.#oldest + this.#unacknowledged) % this.#inFlight;
    const nowMs = performance.now();
    for (let i = 0; i < count; i++) this.#sentAtMs[(first + i) % this.#inFlight] = nowMs;
    this.#unacknowledged += count;
    this.#socket.write(
      this.#packets.subarray(first * this.#packetBytes, (first + count) * this.#packetBytes),
    );
  }

  #read(buffer: Uint8Array, length: number): void {
    const nowMs = performance.now();
    let acks = 0;
    for (let at = 0; at < length; at++) {
      const byte = buffer[at]!;
      if (this.#ackByte === 0 && byte !== 0x40) fail(`packet type ${byte >> 4} came where a PUBACK was due`);
      if (this.#ackByte === 2) this.#idHigh = byte;
      if (++this.#ackByte < PUBACK_BYTES) continue;
      this.#ackByte = 0;
      this.#acknowledged((this.#idHigh << 8) | byte, nowMs);
      acks++;
    }
    this.#load.noteAcks(acks);
    if (this.#load.phase !== 'draining') this.#publish(acks);
    else if (this.#unacknowledged === 0) this.#drained?.();
  }

  #acknowledged(packetId: number, nowMs: number): void {
    const slot = this.#oldest;
    if (packetId !== slot + 1) fail(`PUBACK ${packetId} came before ${slot + 1}`);
    if (this.#load.phase === 'measured') this.#load.latency.add(nowMs - this.#sentAtMs[slot]!, 1);
    this.#oldest = slot + 1 === this.#inFlight ? 0 : slot + 1;
    this.#unacknowledged--;
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
    seconds: measuredMs / 1000,
    pubackP50Ms: latency.quantileMs(0.5),
    pubackP99Ms: latency.quantileMs(0.99),
    pubackMaxMs: latency.maxMs,
    cpuMs: (cpu.user + cpu.system) / 1000,
  };
}

if (import.meta.main) {
  // Written by ingest.ts from LoadSettings.
  const settings = JSON.parse(process.argv[2] ?? '{}') as LoadSettings;
  console.log(JSON.stringify(await generate(settings)));
}
