/**
 * One device as its firmware would behave. Powered on it measures, reports and answers whether or not
 * there is a network: what it says at QoS 1 waits in an outbox until it is PUBACKed.
 *
 * I1 A message keeps its (boot, seq) and its place however often it is sent.
 * I2 Losing power loses RAM: the outbox and the sequence; the next boot has a higher `boot`.
 * I3 Telemetry values depend on seed, id, the number of measurements and what was set, not on time.
 */
import { EventEmitter } from 'node:events';
import { systemClock, type Clock } from '../src/base/clock.ts';
import { limits } from '../src/base/limits.ts';
import { checkMetricValue, type DeviceDefinition } from '../src/device/index.ts';
import { encodePayload, type Codec } from '../src/wire/index.ts';
import { Backoff } from './backoff.ts';
import { CommandHandler } from './command-handler.ts';
import { DeviceLink } from './device-link.ts';
import type { DeviceEvents, SimulatedDeviceOptions } from './device-options.ts';
import { MeasureTimer } from './measuring.ts';
import type { Value } from './physics.ts';
import { Plant } from './plant.ts';
import { randomStream } from './random.ts';
import { deltaOf, ReportedState } from './twin.ts';
import { Uplink, type MessageKind } from './uplink.ts';
import type { Wear } from './wear.ts';

const FIRMWARE = '1.4.2';
const BOOT_TIME_MS = 1_000;

export class SimulatedDevice extends EventEmitter<DeviceEvents> {
  readonly definition: DeviceDefinition;
  readonly id: string;
  readonly codec: Codec;
  readonly wear: Wear;
  /** Since it was made. measured, sent (resends count) and acked are telemetry; dropped is everything. */
  readonly counters = {
    measured: 0,
    sent: 0,
    acked: 0,
    dropped: 0,
    commands: 0,
    commandsFailed: 0,
    reconnects: 0,
  };
  readonly #options: SimulatedDeviceOptions;
  readonly #clock: Clock;
  readonly #topic: string;
  readonly #plant: Plant;
  readonly #reported: ReportedState;
  readonly #commands: CommandHandler;
  readonly #link: DeviceLink;
  readonly #uplink: Uplink;
  readonly #timer: MeasureTimer;
  #power: { kind: 'off' } | { kind: 'on'; boot: number; seq: number } = { kind: 'off' };
  #lastBoot = 0;
  #wasOnline = false;
  #cancelWake: () => void = () => {};

  constructor(options: SimulatedDeviceOptions) {
    super();
    const { definition, id, seed } = options;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.definition = definition;
    this.id = id;
    this.codec = options.codec;
    this.#topic = `devices/${definition.model}/${id}`;
    this.#plant = new Plant(definition, randomStream(seed, `${definition.model}/${id}/physics`));
    this.wear = this.#plant.wear;
    this.#reported = new ReportedState(definition, this.#plant);
    this.#commands = new CommandHandler(definition, this.#plant, options.codec);
    this.#link = this.#createLink();
    this.#uplink = this.#createUplink();
    this.#timer = new MeasureTimer({
      clock: this.#clock,
      intervalMs: () => this.#intervalMs(),
      measure: () => this.measure(),
    });
  }

  get model(): string {
    return this.definition.model;
  }

  get isOnline(): boolean {
    return this.#link.isOnline;
  }

  /** Messages of all kinds not yet acknowledged. */
  get pending(): number {
    return this.#uplink.pending;
  }

  /** Number of the last boot; 0 before the first. */
  get boot(): number {
    return this.#lastBoot;
  }

  readings(): Record<string, Value> {
    return this.#plant.readings();
  }

  reportedState(): Record<string, unknown> {
    return this.#reported.all({ firmware: FIRMWARE, encoding: this.codec });
  }

  /** Powers on if it was off, connects, and stays connected as well as it can. */
  connect(): void {
    this.#cancelWake();
    this.#powerOn();
    this.#link.connect();
  }

  /** Goes offline in good order; still powered, still measuring. Never rejects. */
  async disconnect(): Promise<void> {
    this.#cancelWake();
    await this.#link.close();
  }

  /** The network fails. Without `awayMs` the device reconnects as soon as its backoff allows. */
  drop(awayMs?: number): void {
    this.#cancelWake();
    if (awayMs === undefined) {
      this.#link.cut();
      return;
    }
    this.#link.destroy();
    this.#cancelWake = this.#clock.after(awayMs, () => this.connect());
  }

  /** Power cut: no goodbye, RAM is lost. `connect` starts it again. */
  kill(): void {
    this.#cancelWake();
    this.#link.destroy();
    this.#power = { kind: 'off' };
    this.#uplink.clear();
  }

  /** A power cut that ends after a second. */
  reboot(): void {
    this.kill();
    this.#cancelWake = this.#clock.after(BOOT_TIME_MS, () => this.connect());
  }

  /** Starts measuring at the rate, each device at a phase of its own. */
  start(): void {
    if (this.#timer.isStarted || this.#options.rate === 0) return;
    const phase = randomStream(this.#options.seed, `${this.model}/${this.id}/phase`).next();
    this.#timer.start(phase * this.#intervalMs());
  }

  /** Stops measuring; what is in the outbox still goes out. */
  stop(): void {
    this.#timer.stop();
  }

  /**
   * Holds a sensor at a value until `release` and says so at once. Throws BRG_UNKNOWN_METRIC,
   * BRG_PAYLOAD_SHAPE or BRG_PAYLOAD_RANGE.
   */
  set(metric: string, value: unknown): void {
    this.#plant.pin(metric, checkMetricValue(this.definition, metric, value));
    if (this.#power.kind === 'on') this.#onActuated(this.#reported.changes());
  }

  release(metric: string): void {
    this.#plant.release(metric);
  }

  /** Lets one interval of simulated time pass and says what the sensors then show. */
  measure(): void {
    if (this.#power.kind === 'off') return;
    this.#plant.step((this.#intervalMs() / 1000) * (this.#options.speed ?? 1));
    this.#say();
  }

  #createLink(): DeviceLink {
    const { broker, seed, username, password, backoff } = this.#options;
    return new DeviceLink({
      broker,
      clientId: `sim-${this.model}-${this.id}`,
      codec: this.codec,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      presenceTopic: `${this.#topic}/presence`,
      subscriptions: [`${this.#topic}/command/#`, `${this.#topic}/desired`],
      backoff: new Backoff(randomStream(seed, `${this.model}/${this.id}/backoff`), backoff),
      clock: this.#clock,
      onOnline: () => this.#onOnline(),
      onOffline: (reason) => {
        this.#uplink.connectionLost();
        this.emit('offline', reason);
      },
      onFailure: (reason, retryMs) => this.emit('failure', reason, retryMs),
      onMessage: (topic, payload) => this.#onMessage(topic, payload),
    });
  }

  #createUplink(): Uplink {
    return new Uplink({
      link: this.#link,
      clock: this.#clock,
      outboxMessagesMax: this.#options.outboxMessagesMax ?? limits.simulatorOutboxMessagesMax,
      onSent: (kind) => {
        if (kind === 'telemetry') this.counters.sent += 1;
        this.emit('sent', kind);
      },
      onAcknowledged: (kind, latencyMs) => {
        if (kind === 'telemetry') this.counters.acked += 1;
        this.emit('acked', kind, latencyMs);
      },
      onDropped: (messages) => {
        this.counters.dropped += messages;
        this.emit('dropped', messages);
      },
    });
  }

  #powerOn(): void {
    if (this.#power.kind === 'on') return;
    // Taken from the clock it is new to the bridge however often the same seed is run.
    this.#lastBoot = Math.max(this.#clock.now(), this.#lastBoot + 1);
    this.#power = { kind: 'on', boot: this.#lastBoot, seq: 0 };
    this.#reported.changes(); // all of it is said now
    this.#report(this.reportedState());
  }

  #onOnline(): void {
    const isReconnect = this.#wasOnline;
    this.#wasOnline = true;
    if (isReconnect) this.counters.reconnects += 1;
    this.emit('online', isReconnect);
    this.#uplink.flush();
  }

  #intervalMs(): number {
    const { rate } = this.#options;
    return (this.#plant.intervalS ?? (rate === 0 ? 1 : 1 / rate)) * 1000;
  }

  #onMessage(topic: string, payload: Uint8Array): void {
    const [channel, name, cid] = topic.slice(this.#topic.length + 1).split('/');
    if (channel === 'desired') this.#onDesired(payload);
    else if (channel === 'command' && name !== undefined && cid !== undefined)
      this.#onCommand(name, cid, payload);
  }

  #onCommand(name: string, cid: string, payload: Uint8Array): void {
    const { command, isRepeat } = this.#commands.handle(name, cid, payload);
    if (!isRepeat) {
      this.counters.commands += 1;
      if (!command.result.ok) this.counters.commandsFailed += 1;
      this.emit('command', command);
    }
    this.#send('result', `${this.#topic}/result/${cid}`, command.result);
    if (!isRepeat && command.result.ok) this.#onActuated(this.#reported.changes());
  }

  #onDesired(payload: Uint8Array): void {
    const delta = deltaOf(payload);
    if (delta === undefined) return;
    this.emit('desired', delta);
    this.#onActuated(this.#reported.apply(delta));
  }

  /** Something was switched: report it, and show at once what the sensors see of it. */
  #onActuated(patch: Record<string, unknown>): void {
    if (Object.keys(patch).length > 0) this.#report(patch);
    if (this.#timer.isStarted) this.#timer.start(this.#intervalMs()); // the interval may be what changed
    this.#say();
  }

  #say(): void {
    if (this.#power.kind === 'off') return;
    this.#power.seq += 1;
    const { boot, seq } = this.#power;
    const values = this.codec === 'cbor' ? this.#withShortKeys(this.readings()) : this.readings();
    const message = { ts: this.#clock.now(), boot, seq, ...values };
    this.counters.measured += 1;
    this.emit('telemetry', message);
    this.#send('telemetry', `${this.#topic}/telemetry`, message);
  }

  /** A device that bothers to send CBOR also uses the short names its definition gives. */
  #withShortKeys(readings: Record<string, Value>): Record<string, Value> {
    const keys = new Map(this.definition.metrics.map(({ name, key }) => [name, key ?? name]));
    return Object.fromEntries(
      Object.entries(readings).map(([name, value]) => [keys.get(name) ?? name, value]),
    );
  }

  #report(patch: Record<string, unknown>): void {
    this.emit('reported', patch);
    this.#send('reported', `${this.#topic}/reported`, patch);
  }

  #send(kind: MessageKind, topic: string, value: unknown): void {
    this.#uplink.send(kind, topic, encodePayload(value, this.codec));
  }
}
