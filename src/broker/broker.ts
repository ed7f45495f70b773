import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ActorRuntime, Publication } from '../actor/index.ts';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Registry } from '../device/index.ts';
import type { Connection } from './connection.ts';
import { BrokerContext } from './context.ts';
import { noCounters, type BrokerCounters } from './counters.ts';
import { createMqttServer, openConnection } from './hooks.ts';
import type { MqttServer, PublishPacket } from './mqtt-server.ts';

export interface BrokerOptions {
  readonly runtime: ActorRuntime;
  readonly registry: Registry;
  readonly host: string;
  /** TCP port; 0 takes any free one. */
  readonly port: number;
  readonly log: Log;
  readonly counters?: BrokerCounters;
  /** Remaining length an MQTT packet may have, in bytes; default: `limits.mqttPacketBytesMax`. */
  readonly packetBytesMax?: number;
}

/** The running MQTT side of the bridge. */
export interface Broker {
  readonly address: { readonly host: string; readonly port: number };
  /** Speaks MQTT over this stream too, e.g. a WebSocket's. The broker owns it from now on. */
  acceptStream(stream: Duplex, remoteAddress: string): void;
  /** Connections whose CONNECT was accepted. */
  connectionCount(): number;
  /** Takes no more, lets what is in flight be acknowledged (2 s at most), closes all. Never rejects. */
  stop(): Promise<void>;
}

/** Starts the broker. Throws BRG_PORT_IN_USE, or BRG_CONFIG when it may not listen there. */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  const {
    runtime,
    registry,
    log,
    counters = noCounters,
    packetBytesMax = limits.mqttPacketBytesMax,
  } = options;
  const context = new BrokerContext({ runtime, registry, log, counters, packetBytesMax });
  const mqtt = await createMqttServer(context);
  context.server = mqtt;
  const broker = new RunningBroker(context, mqtt);
  try {
    await broker.listen(options.host, options.port);
  } catch (error) {
    await broker.stop();
    throw error;
  }
  return broker;
}

class RunningBroker implements Broker {
  readonly #context: BrokerContext;
  readonly #mqtt: MqttServer;
  readonly #tcp: Server;
  readonly #connections = new Map<number, Connection>();
  #address = { host: '', port: 0 };
  #stopped: Promise<void> | null = null;

  constructor(context: BrokerContext, mqtt: MqttServer) {
    this.#context = context;
    this.#mqtt = mqtt;
    this.#tcp = createServer({ noDelay: true }, (socket) => {
      this.acceptStream(socket, socket.remoteAddress ?? '');
    });
    context.runtime.onPublish((publication) => this.#publish(publication));
  }

  get address(): { host: string; port: number } {
    return this.#address;
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once('error', (error) => reject(listenError(error, host, port)));
      this.#tcp.listen(port, host, resolve);
    });
    this.#tcp.on('error', (error) =>
      this.#context.log.error({ error: error.message }, 'mqtt listener failed'),
    );
    // A server listening on TCP has an AddressInfo, not a pipe's name.
    this.#address = { host, port: (this.#tcp.address() as AddressInfo).port };
  }

  acceptStream(stream: Duplex, remoteAddress: string): void {
    const { counters, isStopping } = this.#context;
    if (isStopping || this.#connections.size >= limits.mqttConnectionsMax) {
      if (!isStopping) counters.denied('connections-limit');
      stream.on('error', () => undefined);
      stream.destroy();
      return;
    }
    const connection = openConnection(this.#context, this.#mqtt, stream);
    this.#connections.set(connection.number, connection);
    this.#context.log.debug({ connection: connection.number, remoteAddress }, 'mqtt connection opened');
    stream.once('close', () => {
      this.#connections.delete(connection.number);
      connection.close();
      this.#context.log.debug(
        { connection: connection.number, client: connection.client.id, reason: connection.endReason },
        'mqtt connection closed',
      );
    });
  }

  connectionCount(): number {
    let count = 0;
    for (const connection of this.#connections.values()) if (connection.isReady) count += 1;
    return count;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const deadlineMs = performance.now() + limits.mqttStopDrainMs;
    this.#context.isStopping = true;
    const isClosed = new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
    await this.#untilDrained(deadlineMs);
    const connections = [...this.#connections.values()];
    const closed = connections.map(async (connection) => {
      connection.endReason ??= 'stopping';
      connection.stream.end(); // flushes the last PUBACKs, where destroy would lose them
      await once(connection.stream, 'close');
    });
    await withDeadline(Promise.allSettled(closed), deadlineMs);
    for (const connection of connections) {
      connection.stream.destroy();
      connection.close(); // its agents are detached when this returns, whatever the stream does
    }
    await new Promise<void>((resolve) => this.#mqtt.close(() => resolve()));
    await isClosed;
  }

  async #untilDrained(deadlineMs: number): Promise<void> {
    const isDrained = () => [...this.#connections.values()].every(({ queue }) => queue.isEmpty);
    if (isDrained()) return;
    const drained = new Promise<void>((resolve) => {
      this.#context.onDrained = () => {
        if (isDrained()) resolve();
      };
    });
    await withDeadline(drained, deadlineMs);
  }

  /** Where the publications of agents go. */
  #publish(publication: Publication): void {
    if (publication.connection !== 0) {
      this.#connections.get(publication.connection)?.send(publication);
      return;
    }
    const { topic, payload, qos, retain } = publication;
    if (!retain && !this.#context.subscriptions.matches(topic)) return;
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const packet: PublishPacket = { cmd: 'publish', topic, payload: bytes, qos, retain, dup: false };
    // One a turn of the event loop: retained and other QoS 1 packets published in the same tick would
    // overtake each other inside aedes and count as duplicates (mqtt-server.ts, 1).
    if (qos === 0) this.#mqtt.publish(packet, () => undefined);
    else setImmediate(() => this.#mqtt.publish(packet, () => undefined));
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): BridgeError {
  if (error.code === 'EADDRINUSE') {
    return new BridgeError(
      'BRG_PORT_IN_USE',
      `MQTT port ${port} on ${host} is already in use: end the program that has it, or set MOORING_MQTT_PORT to another port (0 = any free one)`,
      { cause: error },
    );
  }
  return new BridgeError(
    'BRG_CONFIG',
    `cannot listen for MQTT on ${host}:${port} (${error.code ?? error.message}): check MOORING_HOST and MOORING_MQTT_PORT`,
    { cause: error },
  );
}

async function withDeadline(work: Promise<unknown>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, deadlineMs - performance.now()));
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
