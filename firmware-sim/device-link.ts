/**
 * The radio of a simulated device: one MQTT 3.1.1 connection at a time, kept up with exponential
 * backoff and jitter. Every attempt is a new client with a clean session: what has to survive a lost
 * connection is in the device's own outbox, and the bridge keeps its commands.
 */
import { Buffer } from 'node:buffer';
import { connect, type MqttClient } from 'mqtt';
import type { Clock } from '../src/base/clock.ts';
import { limits } from '../src/base/limits.ts';
import type { Codec } from '../src/wire/index.ts';
import type { Backoff } from './backoff.ts';

interface LinkOptions {
  /** `mqtt://host:port` */
  readonly broker: string;
  readonly clientId: string;
  /** What it wants to be spoken to in. */
  readonly codec: Codec;
  readonly username?: string;
  readonly password?: string;
  readonly presenceTopic: string;
  readonly subscriptions: readonly string[];
  readonly backoff: Backoff;
  readonly clock: Clock;
  onOnline(): void;
  onOffline(reason: string): void;
  /** An attempt failed; the next one is in `retryMs`. */
  onFailure(reason: string, retryMs: number): void;
  onMessage(topic: string, payload: Uint8Array): void;
}

type Phase =
  | { readonly kind: 'away' }
  | { readonly kind: 'connecting'; readonly client: MqttClient }
  | { readonly kind: 'online'; readonly client: MqttClient }
  /** Saying goodbye. */
  | { readonly kind: 'leaving'; readonly client: MqttClient }
  | { readonly kind: 'waiting'; readonly cancel: () => void };

const KEEPALIVE_S = 30;

export class DeviceLink {
  readonly #options: LinkOptions;
  #phase: Phase = { kind: 'away' };

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get isOnline(): boolean {
    return this.#phase.kind === 'online';
  }

  /** Connects, and reconnects until `close` or `destroy`. */
  connect(): void {
    if (this.#phase.kind === 'away' || this.#phase.kind === 'waiting') this.#attempt();
  }

  /** The connection breaks without a DISCONNECT; it comes back by itself. */
  cut(): void {
    if (this.#phase.kind === 'online') this.#lost(this.#phase.client, 'connection lost');
  }

  /** The connection breaks without a DISCONNECT (the will is published) and stays away. */
  destroy(): void {
    const phase = this.#leave();
    if (phase.kind === 'online') this.#options.onOffline('radio off');
  }

  /** Says goodbye: retained `offline`, then DISCONNECT, which discards the will [MQTT-3.14.4-3]. */
  async close(): Promise<void> {
    const phase = this.#phase;
    if (phase.kind !== 'online') {
      this.destroy();
      return;
    }
    const { client } = phase;
    this.#phase = { kind: 'leaving', client };
    this.#options.onOffline('disconnected');
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(limits.simulatorConnectTimeoutMs, resolve);
      const done = (): void => {
        cancel();
        resolve();
      };
      client.once('close', done);
      client.publish(this.#options.presenceTopic, 'offline', { qos: 1, retain: true }, () => {
        client.end(false, {}, done);
      });
    });
    this.destroy();
  }

  /** Publishes with QoS 1; `acknowledged` is called when the PUBACK came on this connection, else never. */
  publish(topic: string, payload: Uint8Array, acknowledged: () => void): void {
    const phase = this.#phase;
    if (phase.kind !== 'online') return;
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    phase.client.publish(topic, bytes, { qos: 1 }, (error) => {
      if (error == null && this.#phase === phase) acknowledged();
    });
  }

  #attempt(): void {
    const { broker, clientId, password, presenceTopic, clock } = this.#options;
    const username = userName(this.#options);
    const client = connect(broker, {
      clientId,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      protocolVersion: 4,
      clean: true,
      keepalive: KEEPALIVE_S,
      reconnectPeriod: 0, // the backoff is ours
      connectTimeout: limits.simulatorConnectTimeoutMs,
      will: { topic: presenceTopic, payload: Buffer.from('offline'), qos: 1, retain: true },
    });
    const startedAtMs = clock.now();
    this.#phase = { kind: 'connecting', client };
    client.on('connect', () => this.#connected(client));
    client.on('message', (topic, payload) => this.#options.onMessage(topic, payload));
    client.on('error', (error) => this.#lost(client, reasonOf(error)));
    client.on('close', () => {
      const waitedMs = clock.now() - startedAtMs;
      this.#lost(client, this.isOnline ? 'connection lost' : `no connection after ${waitedMs} ms`);
    });
  }

  /** Subscribed before `online` is said, so that nothing sent because of it is missed. */
  #connected(client: MqttClient): void {
    const { subscriptions, presenceTopic } = this.#options;
    client.subscribe([...subscriptions], { qos: 1 }, (error) => {
      if (this.#phase.kind !== 'connecting' || this.#phase.client !== client) return;
      if (error != null) {
        this.#lost(client, `subscribing failed: ${reasonOf(error)}`);
        return;
      }
      this.#phase = { kind: 'online', client };
      this.#options.backoff.reset();
      client.publish(presenceTopic, 'online', { qos: 1, retain: true });
      this.#options.onOnline();
    });
  }

  #lost(client: MqttClient, reason: string): void {
    const phase = this.#phase;
    if ((phase.kind !== 'connecting' && phase.kind !== 'online') || phase.client !== client) return;
    this.#leave();
    const retryMs = this.#options.backoff.next();
    this.#phase = { kind: 'waiting', cancel: this.#options.clock.after(retryMs, () => this.#attempt()) };
    if (phase.kind === 'online') this.#options.onOffline(reason);
    else this.#options.onFailure(reason, retryMs);
  }

  /** Drops whatever the phase holds and returns it. */
  #leave(): Phase {
    const phase = this.#phase;
    this.#phase = { kind: 'away' };
    switch (phase.kind) {
      case 'connecting':
      case 'online':
      case 'leaving':
        phase.client.stream.destroy(); // no DISCONNECT: to the broker the device just vanished
        phase.client.end(true);
        break;
      case 'waiting':
        phase.cancel();
        break;
      case 'away':
        break;
    }
    return phase;
  }
}

/** Node names a refused connection in `code`; its message is empty when several addresses were tried. */
function reasonOf(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return error.message === '' ? code : error.message;
}

/** A device that reads CBOR says so in CONNECT: a bare value such as a command's argument does not show its codec. */
function userName({ codec, username }: LinkOptions): string | undefined {
  return codec === 'cbor' ? `${username ?? ''}?codec=cbor` : username;
}
