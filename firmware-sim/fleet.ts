import { systemClock, type Clock } from '../src/base/clock.ts';
import { limits } from '../src/base/limits.ts';
import type { DeviceDefinition } from '../src/device/index.ts';
import type { Codec } from '../src/wire/index.ts';
import { SimulatedDevice } from './simulated-device.ts';
import { LatencyHistogram, type FleetStatistics } from './statistics.ts';

type FleetEncoding = Codec | 'mixed';

export interface FleetOptions {
  readonly definitions: readonly DeviceDefinition[];
  readonly devicesPerModel: number;
  readonly broker: string;
  readonly seed: number;
  /** `mixed`: every second device of a model speaks CBOR. */
  readonly encoding: FleetEncoding;
  /** Telemetry messages a second and device. */
  readonly rate: number;
  /** Devices switched on a second. */
  readonly rampPerSecond: number;
  /** Simulated seconds per second. */
  readonly speed: number;
  /** Put before each id, so that two fleets can share a broker. */
  readonly idPrefix?: string;
  readonly username?: string;
  readonly password?: string;
  readonly clock?: Clock;
}

/** Something that happened to one device, for people and NDJSON. */
export interface FleetEvent {
  readonly event: 'online' | 'offline' | 'failure' | 'command' | 'desired' | 'dropped';
  readonly device: string;
  readonly [fact: string]: unknown;
}

const RAMP_STEP_MS = 50;
const POLL_MS = 50;
/** A little less than a second, so that a timer of a second always sees a new window. */
const RATE_WINDOW_MS = 950;

/** Many devices: switched on at a ramp, counted together, switched off in good order. */
export class Fleet {
  readonly devices: readonly SimulatedDevice[];
  readonly #options: FleetOptions;
  readonly #clock: Clock;
  readonly #latencies = new LatencyHistogram();
  readonly #listener: (event: FleetEvent) => void;
  #lastFailure: string | null = null;
  #connectFailures = 0;
  #everConnected = 0;
  #isStopped = false;
  #cancelRamp: () => void = () => {};
  #rateWindow = { atMs: 0, acked: 0, perSecond: 0 };

  constructor(options: FleetOptions, listener: (event: FleetEvent) => void = () => {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#listener = listener;
    this.devices = interleave(options.definitions, options.devicesPerModel, (definition, number) =>
      this.#createDevice(definition, number),
    );
  }

  /** Why the last connection attempt of any device failed. */
  get lastFailure(): string | null {
    return this.#lastFailure;
  }

  /** Whether any device was ever online. */
  get hasConnected(): boolean {
    return this.#everConnected > 0;
  }

  /** Starts switching devices on. */
  start(): void {
    const startedAtMs = this.#clock.now();
    this.#rateWindow = { atMs: startedAtMs, acked: 0, perSecond: 0 };
    let next = 0;
    const step = (): void => {
      const elapsedS = (this.#clock.now() - startedAtMs + RAMP_STEP_MS) / 1000;
      const due = Math.min(this.devices.length, Math.ceil(elapsedS * this.#options.rampPerSecond));
      for (; next < due; next++) {
        this.devices[next]?.connect();
        this.devices[next]?.start();
      }
      if (next < this.devices.length) this.#cancelRamp = this.#clock.after(RAMP_STEP_MS, step);
    };
    step();
  }

  /** No more measurements; what was measured still goes out. */
  stopMeasuring(): void {
    this.#cancelRamp();
    for (const device of this.devices) device.stop();
  }

  /** Waits until every outbox is empty; false when that took longer than `timeoutMs`. */
  async drain(timeoutMs: number = limits.simulatorDrainTimeoutMs): Promise<boolean> {
    const deadlineMs = this.#clock.now() + timeoutMs;
    while (this.devices.some((device) => device.pending > 0)) {
      if (this.#isStopped || this.#clock.now() >= deadlineMs) return false;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return true;
  }

  /** Everybody says goodbye. Never rejects. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.stopMeasuring();
    await Promise.all(this.devices.map((device) => device.disconnect()));
  }

  statistics(): FleetStatistics {
    const sum = { connected: 0, measured: 0, sent: 0, acked: 0, pending: 0, dropped: 0 };
    const answers = { commands: 0, commandsFailed: 0, reconnects: 0 };
    for (const { isOnline, pending, counters } of this.devices) {
      if (isOnline) sum.connected += 1;
      sum.pending += pending;
      sum.measured += counters.measured;
      sum.sent += counters.sent;
      sum.acked += counters.acked;
      sum.dropped += counters.dropped;
      answers.commands += counters.commands;
      answers.commandsFailed += counters.commandsFailed;
      answers.reconnects += counters.reconnects;
    }
    return {
      devices: this.devices.length,
      ...sum,
      ...answers,
      connectFailures: this.#connectFailures,
      ackedPerSecond: this.#ackedPerSecond(sum.acked),
      pubackP50Ms: this.#latencies.percentile(0.5),
      pubackP95Ms: this.#latencies.percentile(0.95),
      pubackP99Ms: this.#latencies.percentile(0.99),
    };
  }

  /** Over the last second or more, so that it does not flicker with the phases of few devices. */
  #ackedPerSecond(acked: number): number {
    const now = this.#clock.now();
    const elapsedMs = now - this.#rateWindow.atMs;
    if (elapsedMs >= RATE_WINDOW_MS) {
      const perSecond = Math.round(((acked - this.#rateWindow.acked) * 1000) / elapsedMs);
      this.#rateWindow = { atMs: now, acked, perSecond };
    }
    return this.#rateWindow.perSecond;
  }

  #createDevice(definition: DeviceDefinition, number: number): SimulatedDevice {
    const { idPrefix = '', encoding, broker, seed, rate, speed, username, password } = this.#options;
    const device = new SimulatedDevice({
      definition,
      id: `${idPrefix}${String(number).padStart(3, '0')}`,
      broker,
      codec: encoding === 'mixed' ? (number % 2 === 0 ? 'cbor' : 'json') : encoding,
      seed,
      rate,
      speed,
      clock: this.#clock,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    });
    this.#watch(device);
    return device;
  }

  #watch(device: SimulatedDevice): void {
    const name = `${device.model}/${device.id}`;
    const tell = (event: FleetEvent['event'], facts: Record<string, unknown>): void =>
      this.#listener({ event, device: name, ...facts });
    device.on('acked', (_kind, latencyMs) => this.#latencies.record(latencyMs));
    device.on('online', (isReconnect) => {
      if (!isReconnect) this.#everConnected += 1;
      tell('online', { isReconnect });
    });
    device.on('offline', (reason) => tell('offline', { reason }));
    device.on('failure', (reason, retryMs) => {
      this.#connectFailures += 1;
      this.#lastFailure = reason;
      tell('failure', { reason, retryMs: Math.round(retryMs) });
    });
    device.on('command', ({ name: command, cid, args, result }) =>
      tell('command', { command, cid, args, result }),
    );
    device.on('desired', (delta) => tell('desired', { delta }));
    device.on('dropped', (messages) => tell('dropped', { messages }));
  }
}

/** One of each model in turn, so that a slow ramp shows all of them early. */
function interleave<T>(
  definitions: readonly DeviceDefinition[],
  perModel: number,
  create: (definition: DeviceDefinition, number: number) => T,
): T[] {
  const items: T[] = [];
  for (let number = 1; number <= perModel; number++) {
    for (const definition of definitions) items.push(create(definition, number));
  }
  return items;
}
