/**
 * Devices that publish at QoS 1 at a given pace, or as fast as they are acknowledged, and clients that watch some of
 * them, as a process of its own, so that one clock times both ends. The pace does not wait for the subject: what
 * was due is sent late, but timed from when it was due. argv[2]: `PacedSettings` as JSON. Prints a `PacedWindow` as
 * JSON for each part of the measured time.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { CONNACK_BYTES, connectPacket, publishPacket } from './mqtt-packets.ts';
import { RawWebSocket } from './raw-websocket.ts';
import { Histogram } from './statistics.ts';

export interface PacedSettings {
  readonly mqttPort: number;
  /** Null: the clients subscribe to the devices' topics. */
  readonly webSocketPort: number | null;
  /** Each device has a connection; the first `watched` have a client. */
  readonly devices: number;
  readonly watched: number;
  /** Messages a second of all devices; null: as many as are acknowledged, `inFlight` of each device under way. */
  readonly rate: number | null;
  readonly inFlight: number;
  readonly warmUpSeconds: number;
  readonly windowSeconds: number;
  readonly windows: number;
}

export interface PacedWindow {
  readonly seconds: number;
  readonly acked: number;
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  /** Messages that reached a client, and how long after they were due. */
  readonly seen: number;
  readonly seenP50Ms: number;
  readonly seenP99Ms: number;
  /** Acknowledgements still due at the end. */
  readonly unacknowledged: number;
}

const TICK_MS = 2;
/** Numbers of messages have seven digits, so that all packets of a device are equally long. */
const FIRST_NUMBER = 1_000_000;
const NUMBERS = 9_000_000;
const PACKET_IDS = 65_535;

const settings = JSON.parse(process.argv[2] ?? '') as PacedSettings; // written by latency.ts and soak.ts
const dueAtMs = new Float64Array(NUMBERS);
let [number, acked, seen, unacknowledged] = [0, 0, 0, 0];
let [ackLatency, seenLatency] = [new Histogram(), new Histogram()];
let isOver = false;

class Device {
  readonly #template: Buffer;
  readonly #idAt: number;
  readonly #socket: Socket;
  readonly #sentAtMs = new Float64Array(PACKET_IDS + 1);
  #packetId = 0;
  #connackLeft = CONNACK_BYTES;
  #answerByte = 0;
  #idHigh = 0;
  #due: number[] = [];
  readonly connected: Promise<void>;

  constructor(n: number) {
    const payload = Buffer.from(`{"ts":${Date.now()},"x":${FIRST_NUMBER}}`);
    this.#template = publishPacket(`devices/speaker/d${n}/telemetry`, 1, payload);
    this.#idAt = this.#template.length - payload.length - 2;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.connected = promise;
    this.#socket = connect({ host: '127.0.0.1', port: settings.mqttPort, noDelay: true });
    this.#socket.on('error', (error) => fail(error.message));
    this.#socket.on('close', () => void (isOver || fail('a device was disconnected')));
    this.#socket.on('data', (bytes: Buffer) => this.#read(bytes, resolve));
    this.#socket.write(connectPacket(`paced-${process.pid}-${n}`));
  }

  /** One message more for the next `flush`. */
  add(atMs: number): void {
    this.#due.push(atMs);
  }

  flush(): void {
    if (this.#due.length === 0) return;
    const packets = Buffer.allocUnsafe(this.#due.length * this.#template.length);
    this.#due.forEach((atMs, n) => this.#build(packets, n * this.#template.length, atMs));
    unacknowledged += this.#due.length;
    this.#due = [];
    this.#socket.write(packets);
  }

  #build(packets: Buffer, at: number, atMs: number): void {
    this.#template.copy(packets, at);
    this.#packetId = (this.#packetId % PACKET_IDS) + 1;
    this.#sentAtMs[this.#packetId] = atMs;
    packets.writeUInt16BE(this.#packetId, at + this.#idAt);
    number = (number + 1) % NUMBERS;
    dueAtMs[number] = atMs;
    packets.write(String(FIRST_NUMBER + number), at + this.#template.length - 8, 'latin1');
  }

  #read(bytes: Buffer, isConnected: () => void): void {
    const nowMs = performance.now();
    let answers = 0;
    for (const byte of bytes) {
      if (this.#connackLeft > 0) {
        if (--this.#connackLeft === 0) isConnected();
        continue;
      }
      if (this.#answerByte === 2) this.#idHigh = byte;
      if (++this.#answerByte < 4) continue;
      this.#answerByte = 0;
      ackLatency.add(nowMs - this.#sentAtMs[(this.#idHigh << 8) | byte]!, 1);
      answers++;
    }
    acked += answers;
    unacknowledged -= answers;
    if (settings.rate !== null || isOver) return;
    for (let n = 0; n < answers; n++) this.add(nowMs);
    this.flush();
  }
}

function fail(reason: string): never {
  console.error(`paced load: ${reason}`);
  process.exit(1);
}

/** A client has a message whose last characters hold its number. */
function received(payload: Uint8Array): void {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1');
  const at = text.lastIndexOf('"x":') + 4;
  seenLatency.add(performance.now() - dueAtMs[Number(text.slice(at, at + 7)) - FIRST_NUMBER]!, 1);
  seen++;
}

async function watch(n: number): Promise<void> {
  if (settings.webSocketPort === null) {
    const client = await connectAsync(`mqtt://127.0.0.1:${settings.mqttPort}`);
    client.handleMessage = ({ payload }, done) => {
      received(Buffer.from(payload));
      done();
    };
    await client.subscribeAsync(`devices/speaker/d${n}/telemetry`);
    return;
  }
  const onFrame = (payload: Uint8Array): void => void (payload.includes(0x78) && received(payload));
  const onClose = (reason: string): void => void (isOver || fail(`a client was disconnected: ${reason}`));
  const options = {
    port: settings.webSocketPort,
    path: `/agents/speaker/d${n}`,
    subprotocol: '',
    onFrame,
    onClose,
  };
  await new RawWebSocket(options, Buffer.alloc(64 * 1024)).opened;
}

/** Publishes what is due, in turn by the devices, until the process ends. */
function pace(devices: readonly Device[], rate: number): void {
  const startMs = performance.now();
  let sent = 0;
  setInterval(() => {
    const due = Math.floor(((performance.now() - startMs) / 1000) * rate);
    for (; sent < due; sent++) devices[sent % devices.length]?.add(startMs + ((sent + 1) / rate) * 1000);
    for (const device of devices) device.flush();
  }, TICK_MS);
}

function resetCounts(): void {
  [acked, seen] = [0, 0];
  [ackLatency, seenLatency] = [new Histogram(), new Histogram()];
}

const devices = Array.from({ length: settings.devices }, (_, n) => new Device(n));
await Promise.all(devices.map(({ connected }) => connected));
await Promise.all(Array.from({ length: settings.watched }, (_, n) => watch(n)));
if (settings.rate !== null) pace(devices, settings.rate);
else {
  for (const device of devices) {
    for (let n = 0; n < settings.inFlight; n++) device.add(performance.now());
    device.flush();
  }
}
await sleep(settings.warmUpSeconds * 1000);
for (let window = 0; window < settings.windows; window++) {
  resetCounts();
  const startMs = performance.now();
  await sleep(settings.windowSeconds * 1000);
  const report: PacedWindow = {
    seconds: (performance.now() - startMs) / 1000,
    acked,
    ackP50Ms: ackLatency.quantileMs(0.5),
    ackP99Ms: ackLatency.quantileMs(0.99),
    seen,
    seenP50Ms: seenLatency.quantileMs(0.5),
    seenP99Ms: seenLatency.quantileMs(0.99),
    unacknowledged,
  };
  console.log(JSON.stringify(report));
}
isOver = true;
process.exit(0);
