/**
 * The agent of a device: takes its telemetry into state and history, keeps its twin, sends it commands,
 * runs its rules. Subclasses add behaviour by overriding hooks; whatever a hook throws, the device's
 * data is kept.
 */
import type { ActorContext, AttachBody, InboundRecord, ListenBody } from '../actor/index.ts';
import { KIND } from '../actor/index.ts';
import { asBridgeError, BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { downlinkTopics, type DeviceDefinition, type MetricValue } from '../device/index.ts';
import { decodePayload, encodePayload, type Codec, type Frame } from '../wire/index.ts';
import { Agent } from './agent.ts';
import { Alerts } from './alerts.ts';
import type { AgentConnection } from './connection.ts';
import { Commands, parseResult, type CommandRecord } from './commands.ts';
import { DeadLetters } from './dead-letters.ts';
import { answerDeviceRequest } from './device-requests.ts';
import { isJsonObject, type JsonObject } from './merge-patch.ts';
import { RuleBook } from './rule-book.ts';
import type { FiredRule } from './rules/index.ts';
import { TelemetryIngest, type TelemetryEvent } from './telemetry-ingest.ts';
import { Twin, type Desired } from './twin.ts';

/** The broker's word for the end of a connection by DISCONNECT [MQTT-3.14.4-1]. */
const GOODBYE = 'disconnect';

/** The latest value of each metric by name. */
export type DeviceState = Readonly<Record<string, MetricValue>>;

export class DeviceAgent<State extends DeviceState = DeviceState> extends Agent<State> {
  readonly definition: DeviceDefinition;
  /** @internal */ readonly twin: Twin;
  /** @internal */ readonly commands: Commands;
  /** @internal */ readonly rules: RuleBook;
  /** @internal */ readonly alerts: Alerts;
  /** @internal */ readonly deadLetters: DeadLetters;
  /** @internal */ readonly ingest: TelemetryIngest;

  constructor(context: ActorContext, definition: DeviceDefinition) {
    super(context);
    this.definition = definition;
    this.twin = new Twin(context, this.outbound);
    this.commands = new Commands(context, this.outbound, definition);
    this.rules = new RuleBook(context, definition);
    this.alerts = new Alerts(context, this.outbound);
    this.deadLetters = new DeadLetters(context, this.outbound);
    this.ingest = new TelemetryIngest(context, definition);
  }

  // --- hooks -------------------------------------------------------------------------------------

  /** New telemetry, after it went into state and history. Repetitions (boot, seq) do not come here. */
  onTelemetry(_telemetry: TelemetryEvent): void | Promise<void> {}

  /** The device reported; `patch` is what it sent, `reported` the merged whole. */
  onReported(_patch: JsonObject, _reported: JsonObject): void | Promise<void> {}

  onOnline(): void | Promise<void> {}

  /** `reason`: the will, the end of its connection, or a restart of the bridge. */
  onOffline(_reason: string): void | Promise<void> {}

  /** A command ended by the device's answer. */
  onResult(_command: CommandRecord): void | Promise<void> {}

  // --- for authors -------------------------------------------------------------------------------

  /**
   * Sends a command; it is delivered when the device is there, at least once, until `ttlMs` is over.
   * @throws BridgeError BRG_UNKNOWN_COMMAND, BRG_COMMAND_ARGUMENT, BRG_COMMANDS_FULL
   */
  sendCommand(name: string, args: unknown = null, ttlMs: number = limits.commandTtlMs): CommandRecord {
    return this.commands.create(name, args, ttlMs, this.codec);
  }

  /** Merges a patch into the desired state (RFC 7396) and tells the device. */
  setDesired(patch: JsonObject): Desired {
    return this.twin.want(patch, this.codec);
  }

  /** Raises an alert for people: on the dashboard, in the API, as a frame. */
  alert(text: string): void {
    this.alerts.add({ ts: this.context.now(), ruleId: null, kind: 'alert', text, metric: null, value: null });
  }

  // --- for this room -----------------------------------------------------------------------------

  /** @internal What the device is sent in: its connection's choice, its model's, its last payload's, JSON. */
  get codec(): Codec {
    const chosen = this.context.cell('codec');
    if (chosen === 'json' || chosen === 'cbor') return chosen;
    return this.definition.encoding ?? this.ingest.codec ?? 'json';
  }

  /** @internal A client may set it: telemetry is merged into it. */
  override replaceState(state: State, source: 'server' | AgentConnection): void | Promise<void> {
    if (isJsonObject(state)) return super.replaceState(state, source);
    throw new BridgeError('BRG_PAYLOAD_SHAPE', 'the state of a device is an object of its metrics');
  }

  /** @internal */
  override firstFrames(): Frame[] {
    const { reported, desired, delta, version } = this.twin;
    const at = this.context.lastSeenMs ?? this.context.now();
    return [
      ...super.firstFrames(),
      { type: 'mooring_twin', reported, desired, delta, version },
      { type: 'mooring_presence', presence: this.context.presence, at },
    ];
  }

  /** @internal */
  wake(): void | Promise<void> {
    this.#carryOut(this.rules.alarm(this.context.now()));
    this.#rearm();
    return this.runHook(() => this.onStart());
  }

  /** @internal */
  alarm(nowMs: number): void {
    this.commands.tick(nowMs);
    this.#carryOut(this.rules.alarm(nowMs));
    this.#rearm();
  }

  /** @internal One record of the device or its connection. */
  device(record: InboundRecord): void | Promise<void> {
    switch (record.kind) {
      case KIND.telemetry:
        // Forgotten while it was connected: it is there without having come. runHook sees a hook's rejection.
        if (this.context.presence === 'never' && record.connection > 0) void this.#become('online', '');
        return this.#telemetry(record);
      case KIND.reported:
        return this.#reported(record);
      case KIND.result:
        return this.#result(record);
      case KIND.call:
        return this.#called(record);
      case KIND.presence:
        return this.#presence(record);
      case KIND.attach:
        return this.#attached(record);
      case KIND.detach:
        return this.#detached(record);
      case KIND.listen:
        return this.#listening(record);
      default:
        throw new BridgeError('BRG_INTERNAL', `no device record has kind ${record.kind}`);
    }
  }

  /** @internal */
  override request(request: number, name: string, body: unknown): unknown {
    const answer = answerDeviceRequest(this, request, name, body);
    if (this.rules.takeChanged()) this.#carryOut(this.rules.alarm(this.context.now()));
    this.#rearm();
    return answer;
  }

  #telemetry(record: InboundRecord): void | Promise<void> {
    this.context.countMessage(record.receivedAtMs);
    const { events, failures } = this.ingest.take(record.payload, record.receivedAtMs);
    for (const failure of failures) this.deadLetters.add('telemetry', record.payload, failure);
    let running: Promise<void> | undefined;
    for (const event of events) {
      this.#apply(event);
      if (this.onTelemetry === DeviceAgent.prototype.onTelemetry) continue;
      const hook = (): void | Promise<void> => this.runHook(() => this.onTelemetry(event));
      running = running === undefined ? (hook() ?? undefined) : running.then(hook);
    }
    return running;
  }

  #apply(event: TelemetryEvent): void {
    const { ts, values, seq } = event;
    // Values of metrics the model has, checked by decodeTelemetry.
    this.streamState({ ...this.state, ...values } as State);
    this.context.addHistory(ts, values);
    if (this.rules.all.length > 0) {
      const fired = this.rules.telemetry(ts, values, event.receivedAtMs);
      if (fired.length > 0) this.#carryOut(fired);
      this.#rearm();
    }
    if (this.context.connections().length > 0) {
      this.outbound.broadcast({ type: 'mooring_telemetry', ts, values, ...(seq === null ? {} : { seq }) });
    }
  }

  #reported(record: InboundRecord): void | Promise<void> {
    this.context.countMessage(record.receivedAtMs);
    const value = this.#decoded(record);
    this.twin.report(value);
    // `report` refuses anything but an object.
    return this.runHook(() => this.onReported(value as JsonObject, this.twin.reported));
  }

  #decoded(record: InboundRecord): unknown {
    const { value, codec } = decodePayload(record.payload);
    this.ingest.spoke(codec);
    return value;
  }

  #result(record: InboundRecord): void | Promise<void> {
    this.context.countMessage(record.receivedAtMs);
    const result = parseResult(this.#decoded(record));
    const command = this.commands.answered(record.subject, result);
    if (command === undefined) {
      if (this.commands.hasEnded(record.subject)) return undefined;
      throw new BridgeError('BRG_PAYLOAD_SHAPE', `no command waits for an answer to ${record.subject}`);
    }
    this.#rearm();
    return this.runHook(() => this.onResult(command));
  }

  /** No method can be called from a device yet: it is told so. */
  #called({ subject, receivedAtMs, connection }: InboundRecord): void {
    this.context.countMessage(receivedAtMs);
    const [method = '', cid = ''] = subject.split('/');
    const payload = encodePayload({ ok: false, error: `Method ${method} does not exist` }, this.codec);
    const topic = downlinkTopics(this.context.address).reply(cid);
    this.context.publish({ topic, payload, qos: 1, retain: false, connection });
  }

  /** `online` / `offline`, as plain text or as a JSON string. */
  #presence(record: InboundRecord): void | Promise<void> {
    const said = record.payload.toString('utf8').replaceAll('"', '').trim();
    if (said === 'online') return this.#become('online', '');
    // An empty payload clears the retained message and says nothing about the device.
    if (said === '') return undefined;
    if (said === 'offline') return this.#become('offline', 'the device or its will said so');
    throw new BridgeError('BRG_PAYLOAD_SHAPE', 'presence is the text online or offline');
  }

  #attached(record: InboundRecord): void | Promise<void> {
    const { codec } = JSON.parse(record.payload.toString()) as AttachBody; // written by Runtime
    if (codec !== (this.context.cell('codec') ?? null)) this.context.setCell('codec', codec ?? undefined);
    return this.#become('online', '');
  }

  #detached(record: InboundRecord): void | Promise<void> {
    // Another connection speaks for the device: a takeover, or a gateway beside it.
    if (this.context.deviceConnections().length > 0) return undefined;
    return this.#become('offline', record.subject);
  }

  #listening(record: InboundRecord): void {
    const channels = JSON.parse(record.payload.toString()) as ListenBody; // written by Runtime
    if (channels.desired) this.twin.sendTo(record.connection, this.codec);
    if (channels.command) this.commands.sendTo(record.connection, this.codec);
  }

  #become(presence: 'online' | 'offline', reason: string): void | Promise<void> {
    if (this.context.presence === presence) return undefined;
    this.context.setPresence(presence);
    const at = this.context.now();
    this.outbound.broadcast({ type: 'mooring_presence', presence, at });
    const { address, shard } = this.context;
    if (presence === 'online') {
      shard.attention.resolve('offline', address.model, address.id);
      return this.runHook(() => this.onOnline());
    }
    // A device that said goodbye is asleep; one that vanished wants a look.
    if (reason !== GOODBYE)
      shard.attention.add({ ...address, reason: 'offline', ts: at, text: `offline: ${reason}` });
    return this.runHook(() => this.onOffline(reason));
  }

  #carryOut(fired: readonly FiredRule[]): void {
    for (const rule of fired) {
      if (rule.suppressed) {
        if (rule.suppressedCount === 1) this.log.warn({ rule: rule.ruleId }, 'rule fires too often');
        continue;
      }
      this.context.counters.rulesFired++;
      this.#act(rule);
    }
  }

  #act(rule: FiredRule): void {
    const { ruleId, action, metric, value, atMs: ts, text } = rule;
    if (action.kind !== 'command') {
      this.alerts.add({ ts, ruleId, kind: action.kind, text, metric, value });
      return;
    }
    try {
      this.context.attempt(() => this.sendCommand(action.name, action.argument ?? null));
      this.alerts.add({ ts, ruleId, kind: 'notify', text, metric, value });
    } catch (error) {
      const failure = `${text}: ${asBridgeError(error).message}`;
      this.alerts.add({ ts, ruleId, kind: 'alert', text: failure, metric, value });
    }
  }

  #rearm(): void {
    const rules = this.rules.nextAlarmMs ?? Infinity;
    const commands = this.commands.nextAlarmMs() ?? Infinity;
    const next = Math.min(rules, commands);
    this.context.setAlarm(next === Infinity ? null : next);
  }
}
