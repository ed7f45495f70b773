/**
 * Volume: devices that number their messages (boot, seq) and send as fast as they are acknowledged, over bare
 * sockets. After each crash a device sends again what was not acknowledged, and some of what was.
 *
 * I1 PUBACKs of a connection come in order [MQTT-4.6.0-2], so what is acknowledged is everything below a number.
 */
import { connect, type Socket } from 'node:net';
import { connectPacket, publishPacket } from '../bench/mqtt-packets.ts';
import type { BridgeAddress } from './bridge.ts';
import { asked, within, type Load } from './load.ts';

const SETTLE_MS = 60_000;
const PACKET_IDS = 65_535;
/** Sent again although acknowledged. */
const RESENT_MAX = 20;
const ACK_BYTES = 4;

export interface StreamSettings {
  readonly devices: number;
  /** Messages of a device that are not acknowledged yet. */
  readonly inFlight: number;
  /** Messages of all devices a second, at most. */
  readonly rate: number;
}

export class StreamLoad implements Load {
  readonly name = 'telemetry';
  readonly #devices: StreamDevice[];
  readonly #rate: number;
  #pace: NodeJS.Timeout | undefined;

  constructor({ devices, inFlight, rate }: StreamSettings) {
    this.#devices = Array.from({ length: devices }, (_, n) => new StreamDevice(`s${n}`, inFlight));
    this.#rate = rate;
  }

  get acks(): number {
    return this.#devices.reduce((sum, device) => sum + device.acks, 0);
  }

  async start(bridge: BridgeAddress): Promise<void> {
    await Promise.all(this.#devices.map((device) => device.connect(bridge)));
    let lastMs = performance.now();
    this.#pace = setInterval(() => {
      const nowMs = performance.now();
      const allowed = (this.#rate * (nowMs - lastMs)) / 1000 / this.#devices.length;
      lastMs = nowMs;
      for (const device of this.#devices) device.allow(allowed);
    }, 5);
  }

  stop(): void {
    clearInterval(this.#pace);
    for (const device of this.#devices) device.disconnect();
  }

  async settle(): Promise<void> {
    clearInterval(this.#pace);
    const isDone = await within(SETTLE_MS, () =>
      this.#devices.every((device) => device.unacknowledged === 0),
    );
    if (!isDone) throw new Error('telemetry: not everything was acknowledged in time');
  }

  async check(bridge: BridgeAddress, isSettled: boolean): Promise<string[]> {
    const wrong = await Promise.all(this.#devices.map((device) => device.check(bridge, isSettled)));
    return wrong.flat();
  }
}

interface MeterAnswer {
  readonly state: { readonly n?: number; readonly last?: number; readonly broken?: number } | null;
}
interface CountAnswer {
  readonly applied: number;
  readonly rejected: number;
}
interface HistoryAnswer {
  readonly series: readonly { readonly points: readonly { readonly count: number }[] }[];
}

class StreamDevice {
  readonly #id: string;
  readonly #inFlight: number;
  readonly #topic: string;
  /** All below are acknowledged; all below were sent; the next one on this connection. */
  #acked = 0;
  #sent = 0;
  #next = 0;
  /** The message whose PUBACK is due. */
  #due = 0;
  #allowed = 0;
  #socket: Socket | undefined;
  #rest = Buffer.alloc(0);
  #isConnected = false;
  acks = 0;

  constructor(id: string, inFlight: number) {
    this.#id = id;
    this.#inFlight = inFlight;
    this.#topic = `devices/crash-meter/${id}/telemetry`;
  }

  get unacknowledged(): number {
    return this.#sent - this.#acked;
  }

  /** Resolves also when the bridge is gone. */
  connect({ mqttPort }: BridgeAddress): Promise<void> {
    const socket = connect({ host: '127.0.0.1', port: mqttPort, noDelay: true });
    this.#socket = socket;
    this.#rest = Buffer.alloc(0);
    this.#isConnected = false;
    this.#next = this.#due = Math.max(0, this.#acked - RESENT_MAX);
    socket.on('error', () => undefined); // the bridge was killed
    socket.write(connectPacket(this.#id));
    return new Promise((resolve) => {
      socket.on('data', (bytes) => {
        if (socket !== this.#socket) return;
        this.#read(bytes);
        if (this.#isConnected) resolve();
      });
      socket.on('close', () => resolve());
    });
  }

  disconnect(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#isConnected = false;
  }

  /** So many new messages may be made. */
  allow(count: number): void {
    this.#allowed = Math.min(this.#allowed + count, this.#inFlight);
    this.#send();
  }

  async check(bridge: BridgeAddress, isSettled: boolean): Promise<string[]> {
    if (this.#sent === 0) return [];
    const path = `/api/agents/crash-meter/${this.#id}`;
    const acked = this.#acked;
    if (acked === 0) return [];
    // The routes' schemas.
    const { state } = (await asked(bridge, 'GET', path)) as MeterAnswer;
    const { applied, rejected } = (await asked(bridge, 'GET', `${path}/telemetry/count`)) as CountAnswer;
    const { n = 0, last = -1, broken = 0 } = state ?? {};
    const about = `crash-meter/${this.#id}: acknowledged ${acked}, sent ${this.#sent}, the agent has ${n} up to ${last}`;
    const wrong: string[] = [];
    if (last + 1 < acked) wrong.push(`${about}: acknowledged messages are lost`);
    if (last + 1 > this.#sent || (isSettled && last + 1 !== this.#sent))
      wrong.push(`${about}: not what was sent`);
    if (n !== last + 1 || broken !== 0) wrong.push(`${about}: ${broken} out of order, lost or applied twice`);
    if (applied < n || rejected !== 0)
      wrong.push(`${about}: the bridge counts ${applied}, ${rejected} rejected`);
    if (isSettled) wrong.push(...(await this.#checkHistory(bridge, path, about)));
    return wrong;
  }

  async #checkHistory(bridge: BridgeAddress, path: string, about: string): Promise<string[]> {
    const query = `metric=x&from=0&to=${Date.now() + 1e6}&points=100`;
    const { series } = (await asked(bridge, 'GET', `${path}/telemetry?${query}`)) as HistoryAnswer;
    const count = (series[0]?.points ?? []).reduce((sum, point) => sum + point.count, 0);
    return count === this.#sent ? [] : [`${about}: its history has ${count}`];
  }

  #send(): void {
    if (!this.#isConnected) return;
    const packets: Buffer[] = [];
    while (this.#next - this.#due < this.#inFlight) {
      if (this.#next === this.#sent) {
        if (this.#allowed < 1) break;
        this.#allowed--;
        this.#sent++;
      }
      const seq = this.#next++;
      const payload = Buffer.from(`{"x":${seq},"boot":"b1","seq":${seq}}`);
      packets.push(publishPacket(this.#topic, packetId(seq), payload));
    }
    if (packets.length > 0) this.#socket?.write(Buffer.concat(packets));
  }

  #read(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    let at = 0;
    // CONNACK and PUBACK have four bytes each.
    for (; at + ACK_BYTES <= this.#rest.length; at += ACK_BYTES) {
      if (!this.#isConnected) this.#isConnected = this.#rest[at] === 0x20 && this.#rest[at + 3] === 0;
      else this.#acknowledged(this.#rest[at] ?? 0, this.#rest.readUInt16BE(at + 2));
    }
    this.#rest = this.#rest.subarray(at);
    this.#send();
  }

  #acknowledged(type: number, id: number): void {
    const seq = this.#due++;
    if (type !== 0x40 || id !== packetId(seq)) throw new Error(`${this.#topic}: ${id} came for ${seq}`);
    if (seq < this.#acked) return;
    this.#acked = seq + 1;
    this.acks++;
  }
}

function packetId(seq: number): number {
  return (seq % PACKET_IDS) + 1;
}
