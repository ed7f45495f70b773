/**
 * A publisher and a subscriber on a topic of their own, and on demand one subscriber to `#` that stops reading after
 * its SUBACK. argv[2]: `ProbeSettings` as JSON. Prints a `ProbeReport`.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { connectPacket } from './mqtt-packets.ts';
import { Histogram } from './statistics.ts';

export interface ProbeSettings {
  readonly port: number;
  readonly hasFrozen: boolean;
  readonly perSecond: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface ProbeReport {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly received: number;
  readonly lost: number;
  /** Times the bridge closed the frozen one. */
  readonly closed: number;
}

const TOPIC = 'u/1';
const LAST_MS = 2000;
/** SUBSCRIBE to `#` at QoS 0 [MQTT-3.8]. */
const SUBSCRIBE_ALL = Buffer.from([0x82, 6, 0, 1, 0, 1, 0x23, 0]);
const CONNACK_AND_SUBACK_BYTES = 9;

const settings = JSON.parse(process.argv[2] ?? '') as ProbeSettings; // written by isolation.ts
let closed = 0;
let isOver = false;

function freeze(): Socket {
  let bytes = 0;
  const socket = connect({ host: '127.0.0.1', port: settings.port });
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes >= CONNACK_AND_SUBACK_BYTES) socket.pause();
  });
  socket.on('close', () => {
    if (isOver) return;
    closed++;
    freeze();
  });
  socket.write(Buffer.concat([connectPacket('frozen'), SUBSCRIBE_ALL]));
  // A socket that is not read hears of its end only when it writes.
  const ping = setInterval(() => socket.write(Buffer.from([0xc0, 0])), 500);
  socket.once('close', () => clearInterval(ping));
  return socket;
}

const url = `mqtt://127.0.0.1:${settings.port}`;
const [publisher, subscriber] = await Promise.all([connectAsync(url), connectAsync(url)]);
const latency = new Histogram();
let [sent, received, isMeasuring] = [0, 0, false];
subscriber.on('message', (_topic, payload) => {
  const dueMs = Number(payload.toString());
  if (!isMeasuring || dueMs < startMs) return;
  received++;
  latency.add(performance.now() - dueMs, 1);
});
await subscriber.subscribeAsync(TOPIC);
if (settings.hasFrozen) freeze();
await sleep(settings.warmUpSeconds * 1000);
isMeasuring = true;
const startMs = performance.now();
while (performance.now() < startMs + settings.seconds * 1000) {
  // From when it was due: a late timer of this process is in both runs.
  const due = Math.floor(((performance.now() - startMs) / 1000) * settings.perSecond);
  for (; sent < due; sent++) publisher.publish(TOPIC, String(performance.now()));
  await sleep(1);
}
const lastMs = performance.now() + LAST_MS;
while (received < sent && performance.now() < lastMs) await sleep(10);
isOver = true;
const report: ProbeReport = {
  p50Ms: latency.quantileMs(0.5),
  p99Ms: latency.quantileMs(0.99),
  maxMs: latency.maxMs,
  received,
  lost: sent - received,
  closed,
};
process.stdout.write(JSON.stringify(report), () => process.exit(0));
