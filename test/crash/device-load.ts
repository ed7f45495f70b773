/**
 * Devices with MQTT.js that stream into agents with a file of their own and answer commands, which others give them
 * over HTTP.
 *
 * I1 A command that the API has accepted reaches its device, and ends: once it is answered, with that answer.
 */
import { connectAsync, type MqttClient } from 'mqtt';
import type { BridgeAddress } from './bridge.ts';
import { ask, asked, pause, within, type Load, type LoadSettings } from './load.ts';

const SETTLE_MS = 60_000;
const IN_FLIGHT_MAX = 16;
/** Commands the API lists. */
const LISTED = 100;

export interface DeviceSettings extends LoadSettings {
  readonly devices: number;
  /** Between two messages of a device. */
  readonly intervalMs: number;
  /** Between two commands to a device. */
  readonly commandIntervalMs: number;
}

interface GivenCommand {
  readonly arg: number;
  /** Its device has answered, and got the PUBACK of that. */
  isAnswered: boolean;
  isDone: boolean;
}

interface Entries {
  readonly rows: number;
  readonly different: number;
  readonly last: number | null;
  readonly broken: number;
}

export class DeviceLoad implements Load {
  readonly name = 'heavy telemetry, commands';
  readonly #devices: Device[];

  constructor(settings: DeviceSettings) {
    this.#devices = Array.from({ length: settings.devices }, (_, n) => new Device(`d${n}`, settings));
  }

  get acks(): number {
    return this.#devices.reduce((sum, { acks }) => sum + acks, 0);
  }

  async start(bridge: BridgeAddress): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.start(bridge)));
  }

  stop(): void {
    for (const device of this.#devices) device.stop();
  }

  async settle(bridge: BridgeAddress): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.settle(bridge)));
  }

  async check(bridge: BridgeAddress, isSettled: boolean): Promise<string[]> {
    return (await Promise.all(this.#devices.map((device) => device.check(bridge, isSettled)))).flat();
  }
}

class Device {
  acks = 0;
  readonly #id: string;
  readonly #path: string;
  readonly #settings: DeviceSettings;
  readonly #unacked = new Set<number>();
  #next = 0;
  #client: MqttClient | undefined;
  #isMaking = false;
  readonly #commands = new Map<string, GivenCommand>();
  /** What the device was told, by cid. */
  readonly #told = new Map<string, number>();
  readonly #wrong: string[] = [];
  #lastArg = 0;

  constructor(id: string, settings: DeviceSettings) {
    this.#id = id;
    this.#path = `/api/agents/crash-ledger/${id}`;
    this.#settings = settings;
  }

  async start(bridge: BridgeAddress): Promise<void> {
    let client: MqttClient;
    try {
      const url = `mqtt://127.0.0.1:${bridge.mqttPort}`;
      client = await connectAsync(url, { reconnectPeriod: 0, clientId: this.#id, clean: false });
    } catch {
      return; // the bridge has ended already
    }
    this.#client = client;
    client.on('error', () => undefined); // a killed bridge resets it
    client.on('message', (topic, payload) => this.#commanded(client, topic, payload.toString()));
    void client
      .subscribeAsync(`devices/crash-ledger/${this.#id}/command/#`, { qos: 1 })
      .catch(() => undefined);
    this.#isMaking = true;
    for (const seq of [...this.#unacked].sort((a, b) => a - b)) this.#publish(client, seq);
    void this.#stream(client);
    void this.#giveCommands(bridge, client);
  }

  stop(): void {
    this.#isMaking = false;
    this.#client?.end(true);
    this.#client = undefined;
  }

  async settle(bridge: BridgeAddress): Promise<void> {
    this.#isMaking = false;
    if (!(await within(SETTLE_MS, () => this.#unacked.size === 0))) {
      throw new Error(`crash-ledger/${this.#id}: not everything was acknowledged in time`);
    }
    await within(SETTLE_MS, async () => {
      await this.#readCommands(bridge);
      return [...this.#commands.values()].every(({ isDone }) => isDone);
    });
  }

  async check(bridge: BridgeAddress, isSettled: boolean): Promise<string[]> {
    const wrong = [...this.#wrong.splice(0), ...(await this.#checkCommands(bridge, isSettled))];
    const acked = this.#next - this.#unacked.size;
    if (acked === 0) return wrong;
    const firstUnacked = Math.min(this.#next, ...this.#unacked);
    const sent = this.#next;
    const answer = await asked(bridge, 'POST', `${this.#path}/call/entries`, { args: [] });
    const { rows, different, last, broken } = (answer as { value: Entries }).value; // crash-devices.ts
    const about = `crash-ledger/${this.#id}: acknowledged up to ${firstUnacked}, sent ${sent}, its table has ${rows} rows up to ${last}`;
    if ((last ?? -1) + 1 < firstUnacked) wrong.push(`${about}: acknowledged messages are lost`);
    if (isSettled && rows !== sent) wrong.push(`${about}: not what was sent`);
    if (rows !== different || broken !== 0) {
      wrong.push(`${about}: ${rows - different} twice, ${broken} out of order`);
    }
    return wrong;
  }

  async #checkCommands(bridge: BridgeAddress, isSettled: boolean): Promise<string[]> {
    const listed = await this.#readCommands(bridge);
    const wrong: string[] = [];
    for (const [cid, { arg, isAnswered, isDone }] of this.#commands) {
      const about = `crash-ledger/${this.#id}: command ${cid}`;
      if (!isDone && !listed.has(cid)) wrong.push(`${about} was accepted and is not there`);
      if (isSettled && !isDone) {
        wrong.push(`${about} did not end: ${listed.get(cid) ?? 'unknown'}${isAnswered ? ', answered' : ''}`);
      }
      if (isDone && this.#told.get(cid) !== arg)
        wrong.push(`${about} ended, and its device was not told ${arg}`);
    }
    return wrong;
  }

  /** Status by cid, as the bridge has it now. */
  async #readCommands(bridge: BridgeAddress): Promise<Map<string, string>> {
    if (this.#commands.size === 0) return new Map();
    const answer = await asked(bridge, 'GET', `${this.#path}/commands?limit=${LISTED}`);
    const { items } = answer as { items: { cid: string; status: string }[] }; // its schema
    for (const { cid, status } of items) {
      const known = this.#commands.get(cid);
      if (known !== undefined) known.isDone = status === 'done';
    }
    return new Map(items.map(({ cid, status }) => [cid, status]));
  }

  async #stream(client: MqttClient): Promise<void> {
    while (this.#isMaking && client === this.#client) {
      if (this.#unacked.size < IN_FLIGHT_MAX) this.#publish(client, this.#next++);
      await pause(this.#settings.intervalMs);
    }
  }

  #publish(client: MqttClient, seq: number): void {
    this.#unacked.add(seq);
    const payload = JSON.stringify({ x: seq, boot: 1, seq });
    client.publish(`devices/crash-ledger/${this.#id}/telemetry`, payload, { qos: 1 }, (error) => {
      if (error || client !== this.#client) return; // an end without PUBACK
      if (this.#unacked.delete(seq)) this.acks++;
    });
  }

  async #giveCommands(bridge: BridgeAddress, client: MqttClient): Promise<void> {
    const { random, commandIntervalMs } = this.#settings;
    for (;;) {
      await pause(random.between(0.5, 1.5) * commandIntervalMs);
      if (!this.#isMaking || client !== this.#client) return;
      const waiting = [...this.#commands.values()].filter(({ isDone }) => !isDone).length;
      if (waiting > LISTED / 4) {
        await this.#readCommands(bridge).catch(() => undefined); // the bridge has ended
        continue;
      }
      const arg = ++this.#lastArg;
      const answer = await ask(bridge, 'POST', `${this.#path}/commands/ping?timeout=0`, arg);
      if (answer === undefined) continue; // not accepted, as far as we know
      this.#commands.set((answer as { cid: string }).cid, { arg, isAnswered: false, isDone: false });
      this.acks++;
    }
  }

  #commanded(client: MqttClient, topic: string, payload: string): void {
    const cid = topic.split('/').at(-1) ?? '';
    const arg = Number(payload);
    const before = this.#told.get(cid);
    if (before !== undefined && before !== arg) {
      this.#wrong.push(`crash-ledger/${this.#id}: command ${cid} came with ${before} and with ${arg}`);
    }
    this.#told.set(cid, arg);
    client.publish(
      `devices/crash-ledger/${this.#id}/result/${cid}`,
      `{"ok":true,"value":${arg}}`,
      { qos: 1 },
      (error) => {
        const known = this.#commands.get(cid);
        if (!error && known !== undefined) known.isAnswered = true;
      },
    );
  }
}
