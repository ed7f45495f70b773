/** Desired state over HTTP, reported state over MQTT.js: what was acknowledged is there, and no version comes again. */
import { connectAsync, type MqttClient } from 'mqtt';
import type { BridgeAddress } from './bridge.ts';
import { ask, asked, pause, type Load, type LoadSettings } from './load.ts';

export interface TwinSettings extends LoadSettings {
  readonly devices: number;
  readonly intervalMs: number;
}

interface Described {
  readonly version: number;
  readonly desired: { readonly n?: number } | null;
  readonly reported: { readonly n?: number } | null;
}

export class TwinLoad implements Load {
  readonly name = 'state';
  readonly #twins: Twin[];

  constructor(settings: TwinSettings) {
    this.#twins = Array.from({ length: settings.devices }, (_, n) => new Twin(`t${n}`, settings));
  }

  get acks(): number {
    return this.#twins.reduce((sum, { acks }) => sum + acks, 0);
  }

  async start(bridge: BridgeAddress): Promise<void> {
    await Promise.all(this.#twins.map((twin) => twin.start(bridge)));
  }

  stop(): void {
    for (const twin of this.#twins) twin.stop();
  }

  settle(): Promise<void> {
    this.stop();
    return Promise.resolve();
  }

  async check(bridge: BridgeAddress): Promise<string[]> {
    return (await Promise.all(this.#twins.map((twin) => twin.check(bridge)))).flat();
  }
}

class Twin {
  acks = 0;
  readonly #id: string;
  readonly #path: string;
  readonly #settings: TwinSettings;
  /** What was sent last, and what was acknowledged. */
  readonly #sent = { desired: 0, reported: 0 };
  readonly #acked = { desired: 0, reported: 0, version: 0 };
  #client: MqttClient | undefined;
  #life = 0;

  constructor(id: string, settings: TwinSettings) {
    this.#id = id;
    this.#path = `/api/agents/crash-meter/${id}`;
    this.#settings = settings;
  }

  async start(bridge: BridgeAddress): Promise<void> {
    const life = ++this.#life;
    try {
      const url = `mqtt://127.0.0.1:${bridge.mqttPort}`;
      this.#client = await connectAsync(url, { reconnectPeriod: 0, clientId: this.#id });
    } catch {
      return; // the bridge has ended already
    }
    this.#client.on('error', () => undefined); // a killed bridge resets it
    void this.#wish(bridge, life);
    void this.#report(this.#client, life);
  }

  stop(): void {
    this.#life++;
    this.#client?.end(true);
    this.#client = undefined;
  }

  async check(bridge: BridgeAddress): Promise<string[]> {
    const acked = { ...this.#acked };
    if (acked.desired === 0 && acked.reported === 0) return [];
    const { version, desired, reported } = (await asked(bridge, 'GET', this.#path)) as Described; // its schema
    const wrong: string[] = [];
    for (const [name, has] of [
      ['desired', desired?.n ?? 0] as const,
      ['reported', reported?.n ?? 0] as const,
    ]) {
      const about = `crash-meter/${this.#id}: ${name} was acknowledged up to ${acked[name]}, sent up to ${this.#sent[name]}`;
      if (has < acked[name] || has > this.#sent[name]) wrong.push(`${about}, the twin has ${has}`);
    }
    if (version < acked.version)
      wrong.push(`crash-meter/${this.#id}: version ${acked.version} became ${version}`);
    return wrong;
  }

  async #wish(bridge: BridgeAddress, life: number): Promise<void> {
    while (life === this.#life) {
      const n = ++this.#sent.desired;
      const answer = await ask(bridge, 'PATCH', `${this.#path}/desired`, { n });
      if (answer !== undefined) {
        this.#acked.desired = n;
        this.#acked.version = (answer as { version: number }).version; // its schema
        this.acks++;
      }
      await pause(this.#settings.random.between(0.2, 1.8) * this.#settings.intervalMs);
    }
  }

  async #report(client: MqttClient, life: number): Promise<void> {
    while (life === this.#life) {
      const n = ++this.#sent.reported;
      client.publish(`devices/crash-meter/${this.#id}/reported`, `{"n":${n}}`, { qos: 1 }, (error) => {
        if (error || life !== this.#life) return;
        this.#acked.reported = n;
        this.acks++;
      });
      await pause(this.#settings.random.between(0.2, 1.8) * this.#settings.intervalMs);
    }
  }
}
