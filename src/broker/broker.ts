import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ActorRuntime, Publication } from '../actor/index.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { SessionStore } from '../base/session-rows.ts';
import type { Registry } from '../device/index.ts';
import type { Identities } from '../identity/index.ts';
import type { Connection } from './connection.ts';
import { BrokerContext, type EdgeLimits } from './context.ts';
import { noCounters, type BrokerCounters } from './counters.ts';
import type { Visitor } from './edge/index.ts';
import { createMqttServer, openConnection } from './hooks.ts';
import { closed, listenError, withDeadline, type Place } from './listening.ts';
import type { MqttServer } from './mqtt-server.ts';
import { MemorySessionStore, Message, Sessions, type SessionBounds } from './sessions/index.ts';
import { SessionUpkeep } from './session-upkeep.ts';
import { TlsListener, type TlsFiles } from './tls-listener.ts';

export interface BrokerOptions {
  readonly runtime: ActorRuntime;
  readonly registry: Registry;
  readonly host: string;
  /** TCP port; 0 takes any free one. */
  readonly port: number;
  readonly log: Log;
  readonly counters?: BrokerCounters;
  /** What one client, or one address, may take; default: the limits of the same names. */
  readonly edge?: Partial<EdgeLimits>;
  /** Remaining length an MQTT packet may have, in bytes; default: `limits.mqttPacketBytesMax`. */
  readonly packetBytesMax?: number;
  /** MQTT over TLS beside; default: none. */
  readonly tls?: TlsFiles & { readonly port: number };
  /** Who may connect, and what they may; default: everybody, everything. */
  readonly identities?: Identities;
  /** Where sessions, retained messages and wills are kept; default: in memory. The broker closes it. */
  readonly sessionStore?: SessionStore;
  /** Time a session without a connection is kept; default: `limits.mqttSessionExpiryMs`. */
  readonly sessionExpiryMs?: number;
  /** What sessions may hold of memory; default: the limits of the same names. */
  readonly sessionBounds?: Partial<SessionBounds>;
  /** Time clients of a process that ended have to come back before their wills are published. */
  readonly willGraceMs?: number;
  /** The sessions cannot be kept any more: the process must end. */
  readonly onFatal?: (error: Error) => void;
}

/** The running MQTT side of the bridge. */
export interface Broker {
  readonly address: { readonly host: string; readonly port: number };
  /** Where MQTT over TLS is served; null: nowhere. */
  readonly tlsAddress: { readonly host: string; readonly port: number } | null;
  /** Speaks MQTT over this stream too, e.g. a WebSocket's. The broker owns it from now on. */
  acceptStream(stream: Duplex, remoteAddress: string): void;
  /** Connections whose CONNECT was accepted. */
  connectionCount(): number;
  /** Gauges of what is kept for clients, by their metrics' names. */
  numbers(): Record<string, number>;
  /** Since when the disk has had no room for sessions, so that nothing they promise is acknowledged; null: it has. */
  fullSinceMs(): number | null;
  /** Takes no more, lets what is in flight be acknowledged (2 s at most), closes all. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Starts the broker. Throws BRG_PORT_IN_USE, or BRG_CONFIG when it may not listen there; BRG_DATA_DIR, BRG_STORE when
 * the sessions cannot be read.
 */
export async function createBroker(options: BrokerOptions): Promise<Broker> {
  const counters = options.counters ?? noCounters;
  const sessions = openSessions(options, counters);
  const context = new BrokerContext({
    ...options,
    counters,
    packetBytesMax: options.packetBytesMax ?? limits.mqttPacketBytesMax,
    identities: options.identities ?? null,
    sessions,
    edge: { ...DEFAULT_EDGE, ...options.edge },
  });
  const mqtt = await createMqttServer(context);
  const broker = new RunningBroker(context, mqtt, new SessionUpkeep(context, options));
  try {
    await broker.listen(options.host, options.port, options.tls);
  } catch (error) {
    await broker.stop();
    throw error;
  }
  return broker;
}

const DEFAULT_EDGE: EdgeLimits = {
  connectionsPerSourceMax: limits.mqttConnectionsPerSourceMax,
  connectsPerSecondMax: limits.mqttConnectsPerSecondMax,
  connectsPerMinuteMax: limits.mqttConnectsPerMinuteMax,
  messagesPerSecondMax: limits.mqttMessagesPerSecondMax,
  bytesPerSecondMax: limits.mqttBytesPerSecondMax,
};

function openSessions(options: BrokerOptions, counters: BrokerCounters): Sessions {
  const store = options.sessionStore ?? new MemorySessionStore();
  const sessions = new Sessions({
    store,
    log: options.log,
    onFatal: options.onFatal ?? (() => undefined),
    expiryMs: options.sessionExpiryMs ?? limits.mqttSessionExpiryMs,
    ...(options.sessionBounds === undefined ? {} : { bounds: options.sessionBounds }),
    onDropped: () => counters.queueDropped(),
    onTooSlow: () => counters.denied('slow-client'),
    mayStill: (name, topic) => options.identities?.mayNow(name, 'publish', topic) ?? true,
  });
  sessions.restore(store.load(), Date.now());
  return sessions;
}

class RunningBroker implements Broker {
  readonly #context: BrokerContext;
  readonly #mqtt: MqttServer;
  readonly #upkeep: SessionUpkeep;
  readonly #tcp: Server;
  readonly #connections = new Map<number, Connection>();
  #tls: Server | null = null;
  #address = { host: '', port: 0 };
  #tlsAddress: Broker['tlsAddress'] = null;
  #stopped: Promise<void> | null = null;

  constructor(context: BrokerContext, mqtt: MqttServer, upkeep: SessionUpkeep) {
    this.#context = context;
    this.#mqtt = mqtt;
    this.#upkeep = upkeep;
    this.#tcp = createServer({ noDelay: true }, (socket) => {
      this.acceptStream(socket, socket.remoteAddress ?? '');
    });
    context.onOpen = (visitor) => this.#openConnection(visitor);
    context.runtime.onPublish((publication) => this.#publish(publication));
    if (context.identities !== null) context.identities.onChange = () => this.#recheck();
  }

  get address(): { host: string; port: number } {
    return this.#address;
  }

  get tlsAddress(): Broker['tlsAddress'] {
    return this.#tlsAddress;
  }

  async listen(host: string, port: number, tls: BrokerOptions['tls']): Promise<void> {
    this.#address = await this.#open(this.#tcp, { host, port, setting: 'MOORING_MQTT_PORT' });
    if (tls === undefined) return;
    const { log, counters } = this.#context;
    const { server } = new TlsListener(tls, log, {
      accept: (socket) => this.acceptStream(socket, socket.remoteAddress ?? ''),
      refused: () => counters.denied('handshakes-limit'),
    });
    this.#tls = server;
    this.#tlsAddress = await this.#open(server, { host, port: tls.port, setting: 'MOORING_MQTTS_PORT' });
  }

  async #open(server: Server, place: Place): Promise<{ host: string; port: number }> {
    const { host, port } = place;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(listenError(error, place)));
      server.listen(port, host, resolve);
    });
    server.on('error', (error) => this.#context.log.error({ error: error.message }, 'mqtt listener failed'));
    // A server listening on TCP has an AddressInfo, not a pipe's name.
    return { host, port: (server.address() as AddressInfo).port };
  }

  acceptStream(stream: Duplex, remoteAddress: string): void {
    const { counters, isStopping, room } = this.#context;
    if (isStopping || room.size >= limits.mqttConnectionsMax) {
      if (!isStopping) counters.denied('connections-limit');
      stream.on('error', () => undefined);
      stream.destroy();
      return;
    }
    room.enter({ stream, source: remoteAddress });
  }

  #openConnection({ stream, source }: Visitor): void {
    const connection = openConnection(this.#context, this.#mqtt, { stream, source });
    this.#connections.set(connection.number, connection);
    this.#context.log.debug({ connection: connection.number, source }, 'mqtt connection opened');
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

  numbers(): Record<string, number> {
    return { ...this.#upkeep.numbers(), mooring_mqtt_unknown_connections: this.#context.room.unknownCount };
  }

  fullSinceMs(): number | null {
    return this.#context.sessions.log.fullSinceMs;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const deadlineMs = performance.now() + limits.mqttStopDrainMs;
    this.#context.isStopping = true;
    this.#context.room.close();
    const isClosed = Promise.all([this.#tcp, this.#tls].map(closed));
    await this.#untilDrained(deadlineMs);
    const connections = [...this.#connections.values()];
    const ended = connections.map(async (connection) => {
      connection.endReason ??= 'stopping';
      connection.intake?.flush();
      connection.stream.end(); // flushes the last PUBACKs, where destroy would lose them
      await once(connection.stream, 'close');
    });
    await withDeadline(Promise.allSettled(ended), deadlineMs);
    for (const connection of connections) {
      connection.stream.destroy();
      connection.close(); // its agents are detached when this returns, whatever the stream does
    }
    await new Promise<void>((resolve) => this.#mqtt.close(() => resolve()));
    await isClosed;
    this.#upkeep.stop();
    await this.#context.sessions.log.close();
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

  /** Ends the connections of those who are not what they were: they may come back and be asked again. */
  #recheck(): void {
    for (const connection of this.#connections.values()) {
      if (!connection.isReady || connection.permissions.isCurrent()) continue;
      this.#context.log.info({ client: connection.client.id }, 'identity changed: mqtt connection ended');
      connection.destroy('identity changed');
    }
  }

  /** Where the publications of agents go. */
  #publish(publication: Publication): void {
    if (publication.connection !== 0) {
      this.#connections.get(publication.connection)?.send(publication);
      return;
    }
    const { topic, payload, qos, retain } = publication;
    const { sessions } = this.#context;
    if (!retain && !sessions.subscriptions.matches(topic)) return;
    const isKept = sessions.deliver(new Message(topic, payload), { qos, retain, setBy: '' });
    if (!isKept) this.#context.counters.denied('retained-limit');
  }
}
