/**
 * The clients of `fanout`, as a process of its own: a thousand WebSockets of one agent. A message leaves when
 * every client has the one before, so each of them is one frame for each client. Prints a `FanoutReport`.
 * argv[2]: `FanoutSettings` as JSON.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { processCpuMs } from './machine.ts';
import { connectPacket, publishPacket } from './mqtt-packets.ts';
import { RawWebSocket } from './raw-websocket.ts';
import { Histogram } from './statistics.ts';

export interface FanoutSettings {
  /** Of the measured process. */
  readonly pid: number;
  readonly webSocketPort: number;
  readonly path: string;
  readonly subprotocol: string;
  /** A publish, or any bytes, sent here become a frame for each client. */
  readonly triggerPort: number;
  readonly topic: string;
  readonly clients: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface FanoutReport {
  readonly frames: number;
  readonly frameBytes: number;
  readonly seconds: number;
  /** CPU time of the measured process, and of this one. */
  readonly cpuMs: number;
  readonly clientCpuMs: number;
  /** From sending the message until the last client has its frame. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Connected at once: a listener's backlog is some hundred. */
const CONNECT_STEP = 100;
/** Clients get their first frames, and agents fall silent, within this. */
const SETTLE_MS = 1000;

const settings = JSON.parse(process.argv[2] ?? '') as FanoutSettings; // written by fanout.ts
const latency = new Histogram();
let [missing, frames, frameBytes, sentAtMs, sequence] = [0, 0, 0, 0, 0];
let phase: 'connecting' | 'warming' | 'measured' | 'over' = 'connecting';

function received(payload: Uint8Array): void {
  if (phase === 'connecting') return; // identity and the like
  if (--missing < 0) fail('a client got more than one frame for a message');
  frameBytes = payload.length;
  if (phase === 'measured') frames++;
  if (missing > 0) return;
  if (phase === 'measured') latency.add(performance.now() - sentAtMs, 1);
  if (phase !== 'over') publish();
}

function publish(): void {
  missing = settings.clients;
  sentAtMs = performance.now();
  const reading = Buffer.from(JSON.stringify({ ts: Date.now(), x: 1_000_000 + (sequence++ % 1_000_000) }));
  trigger.write(publishPacket(settings.topic, 1, reading));
}

function fail(reason: string): never {
  console.error(`fanout: ${reason}`);
  process.exit(1);
}

async function connectAll(): Promise<void> {
  const readBuffer = Buffer.alloc(64 * 1024);
  const { webSocketPort: port, path, subprotocol, clients } = settings;
  const onClose = (reason: string): void => void (phase !== 'over' && fail(reason));
  for (let from = 0; from < clients; from += CONNECT_STEP) {
    const some = Array.from(
      { length: Math.min(CONNECT_STEP, clients - from) },
      () => new RawWebSocket({ port, path, subprotocol, onFrame: received, onClose }, readBuffer),
    );
    await Promise.all(some.map(({ opened }) => opened));
  }
}

async function openTrigger(): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: settings.triggerPort, noDelay: true });
  socket.on('error', (error) => fail(error.message));
  socket.on('data', () => undefined); // CONNACK and PUBACKs
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

await connectAll();
const trigger = await openTrigger();
// `ws` alone takes this for a message: its clients are still connecting, and do not count the frame.
trigger.write(connectPacket(`fanout-${process.pid}`));
await sleep(SETTLE_MS);
phase = 'warming';
publish();
await sleep(settings.warmUpSeconds * 1000);
phase = 'measured';
const [startMs, cpuAtStartMs, ownCpu] = [performance.now(), processCpuMs(settings.pid), process.cpuUsage()];
await sleep(settings.seconds * 1000);
phase = 'over';
const { user, system } = process.cpuUsage(ownCpu);
const report: FanoutReport = {
  frames,
  frameBytes,
  seconds: (performance.now() - startMs) / 1000,
  cpuMs: (processCpuMs(settings.pid) ?? NaN) - (cpuAtStartMs ?? NaN),
  clientCpuMs: (user + system) / 1000,
  p50Ms: latency.quantileMs(0.5),
  p99Ms: latency.quantileMs(0.99),
};
console.log(JSON.stringify(report));
process.exit(0);
