/**
 * A device that streams QoS 1 telemetry and keeps book of its PUBACKs. Its measured value is the number
 * of the message, so that state and history show which messages were applied and in which order.
 */
import type { MqttClient } from 'mqtt';
import type { Codec } from '../../src/wire/index.ts';
import { encodePayload } from '../../src/wire/index.ts';
import type { BridgeProcess } from './bridge-process.ts';
import { until } from '../support/until.ts';

const IN_FLIGHT_MAX = 20;
const METRIC = 'energy';

interface Count {
  readonly accepted: number;
  readonly applied: number;
  readonly duplicates: number;
  readonly rejected: number;
}

/** What the API says of the device. */
interface Applied extends Count {
  /** The last value in its state. */
  readonly last: unknown;
  /** Values in its history. */
  readonly historyCount: number;
  /** Whether values in history only grow, from bucket to bucket. */
  readonly isInOrder: boolean;
}

interface History {
  readonly series: readonly { readonly points: readonly { min: number; max: number; count: number }[] }[];
}

export class TelemetryStream {
  readonly id: string;
  readonly topic: string;
  /** Numbers whose PUBACK arrived, at least once. */
  readonly acked = new Set<number>();
  readonly #boot: string | null;
  readonly #codec: Codec;
  readonly #onAck: () => void;
  readonly #startedMs = Date.now();
  #client: MqttClient | undefined;
  #inFlight = 0;
  #isProducing = false;
  #resends: number[] = [];
  #next = 0;

  /** @param boot null: without (boot, seq), so that a resend cannot be told from a new message */
  constructor(id: string, options: { boot: string | null; codec?: Codec; onAck?: () => void }) {
    this.id = id;
    this.topic = `devices/energy-meter/${id}/telemetry`;
    this.#boot = options.boot;
    this.#codec = options.codec ?? 'json';
    this.#onAck = options.onAck ?? (() => undefined);
  }

  /** Messages made so far: numbers 0 to sent - 1. */
  get sent(): number {
    return this.#next;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Numbers sent and not acknowledged, ascending. */
  get unacked(): number[] {
    return Array.from({ length: this.#next }, (_, seq) => seq).filter((seq) => !this.acked.has(seq));
  }

  /** The last `count` acknowledged numbers, ascending. */
  lastAcked(count: number): number[] {
    return [...this.acked].sort((a, b) => a - b).slice(-count);
  }

  /** Connects to a (new) bridge; what was in flight on an earlier connection is forgotten. */
  async connect(bridge: BridgeProcess): Promise<void> {
    this.#client?.end(true);
    this.#isProducing = false;
    this.#inFlight = 0;
    this.#resends = [];
    this.#client = await bridge.mqtt({ clientId: this.id });
  }

  /** Sends these again, then new messages until `pause`. */
  stream(resends: readonly number[] = []): void {
    this.#resends.push(...resends);
    this.#isProducing = true;
    this.#pump();
  }

  pause(): void {
    this.#isProducing = false;
  }

  /** Sends these again and waits for all PUBACKs. */
  async resend(numbers: readonly number[]): Promise<void> {
    this.#resends.push(...numbers);
    this.#pump();
    await this.drained();
  }

  /** Makes no more messages and waits for all PUBACKs. */
  async drained(): Promise<void> {
    this.pause();
    await until(() => this.#inFlight === 0 && this.#resends.length === 0, `all PUBACKs of ${this.id}`);
  }

  /** Reads what the bridge has of this device. */
  async applied(bridge: BridgeProcess): Promise<Applied> {
    const path = `/api/agents/energy-meter/${this.id}`;
    const count = await bridge.get<Count>(`${path}/telemetry/count`);
    const { state } = await bridge.get<{ state: Record<string, unknown> | null }>(path);
    const range = `from=${this.#startedMs}&to=${Date.now() + 1}&points=5000`;
    const { series } = await bridge.get<History>(`${path}/telemetry?metric=${METRIC}&${range}`);
    const points = series[0]?.points ?? [];
    return {
      ...count,
      last: state?.[METRIC],
      historyCount: points.reduce((sum, point) => sum + point.count, 0),
      isInOrder: points.every((point, index) => index === 0 || (points[index - 1]?.max ?? 0) <= point.min),
    };
  }

  #pump(): void {
    while (this.#inFlight < IN_FLIGHT_MAX && (this.#resends.length > 0 || this.#isProducing)) {
      this.#publish(this.#resends.shift() ?? this.#next++);
    }
  }

  #publish(seq: number): void {
    const client = this.#client;
    if (client === undefined) return;
    const numbered = this.#boot === null ? {} : { boot: this.#boot, seq };
    const payload = encodePayload({ [METRIC]: seq, ...numbered }, this.#codec);
    this.#inFlight += 1;
    client.publish(this.topic, Buffer.from(payload), { qos: 1 }, (error) => {
      if (client !== this.#client || error) return; // an end without PUBACK, or one of an earlier connection
      this.#inFlight -= 1;
      this.acked.add(seq);
      this.#onAck();
      this.#pump();
    });
  }
}
