/**
 * Holds many connections that do nothing, as a process of its own. argv[2]: `HolderSettings` as JSON. Prints
 * `holding` when all are there, and ends with SIGTERM.
 */
import { connect } from 'node:net';
import { CONNACK_BYTES, connectPacket, PUBACK_BYTES, publishPacket } from './mqtt-packets.ts';
import { RawWebSocket } from './raw-websocket.ts';

export interface HolderSettings {
  /** `published`: an MQTT connection that has published once. */
  readonly kind: 'mqtt' | 'published' | 'websocket';
  readonly port: number;
  /** Numbers of the connections: `first`, `first + 1`, ... */
  readonly first: number;
  readonly count: number;
}

/** Opened at once: a listener's backlog is some hundred. */
const STEP = 200;

const settings = JSON.parse(process.argv[2] ?? '') as HolderSettings; // written by connections.ts
/** Shared by all: what they read is only counted. */
const readBuffer = Buffer.alloc(64 * 1024);

function openMqtt(port: number, n: number, isPublishing: boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const publish = publishPacket(`devices/thermostat/d${n}/telemetry`, 1, Buffer.from('{"t":21.5}'));
  let bytes = 0;
  const callback = (length: number): boolean => {
    if (bytes === 0 && isPublishing) socket.write(publish);
    bytes += length;
    if (bytes === CONNACK_BYTES + (isPublishing ? PUBACK_BYTES : 0)) resolve();
    return true;
  };
  const socket = connect({
    host: '127.0.0.1',
    port,
    noDelay: true,
    onread: { buffer: readBuffer, callback },
  });
  socket.on('error', (error) => fail(error.message));
  socket.on('close', () => fail('a connection was closed'));
  socket.write(connectPacket(`idle-${n}`));
  return promise;
}

function openWebSocket(port: number, n: number): Promise<void> {
  const path = `/agents/thermostat/w${n}`;
  const options = { port, path, subprotocol: '', onFrame: () => undefined, onClose: fail };
  return new RawWebSocket(options, readBuffer).opened;
}

function fail(reason: string): never {
  console.error(`connection holder: ${reason}`);
  process.exit(1);
}

process.once('SIGTERM', () => process.exit(0));
const { kind, port, first, count } = settings;
const end = first + count;
for (let from = first; from < end; from += STEP) {
  const some = Array.from({ length: Math.min(STEP, end - from) }, (_, n) =>
    kind === 'websocket' ? openWebSocket(port, from + n) : openMqtt(port, from + n, kind === 'published'),
  );
  await Promise.all(some);
}
console.log('holding');
