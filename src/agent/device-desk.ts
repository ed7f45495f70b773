/**
 * What makes an agent a device's: takes telemetry into state and history, keeps the twin, sends commands,
 * runs rules, and calls the author's hooks; whatever a hook throws, the device's data is kept.
 */
import type { ActorContext, AttachBody, InboundRecord, ListenBody } from '../actor/index.ts';
import { KIND } from '../actor/index.ts';
import { asBridgeError, BridgeError } from '../base/errors.ts';
import { channels, tell } from '../base/events.ts';
import type { DeviceDefinition } from '../device/index.ts';
import { decodePayload, type Codec, type Frame } from '../wire/index.ts';
import type { AgentParts } from './agent-parts.ts';
import type { Extension } from './extension.ts';
import { Alerts } from './alerts.ts';
import { isButtonPress } from './calls/device-button.ts';
import { answerDeviceCall } from './calls/device-call.ts';
import { Commands, parseResult } from './commands.ts';
import { CHANNELS, DeadLetters } from './dead-letters.ts';
import type { DeviceAgent } from './device-agent.ts';
import { GOODBYE, saidPresence } from './device-presence.ts';
import { answerDeviceRequest } from './device-requests.ts';
import { allTools } from './device-tools/all-tools.ts';
import type { DeviceTool } from './device-tools/device-tool.ts';
import { SCHEDULED_COMMAND, ToolBench } from './device-tools/tool-bench.ts';
import { isJsonObject, type JsonObject } from './merge-patch.ts';
import { carryOut } from './rule-actions.ts';
import { RuleBook } from './rule-book.ts';
import type { FiredRule } from './rules/index.ts';
import { TelemetryIngest, type TelemetryEvent } from './telemetry-ingest.ts';
import { Twin } from './twin.ts';

export class DeviceDesk implements Extension {
  readonly definition: DeviceDefinition;
  readonly parts: AgentParts;
  readonly context: ActorContext;
  readonly twin: Twin;
  readonly commands: Commands;
  readonly rules: RuleBook;
  readonly alerts: Alerts;
  readonly deadLetters: DeadLetters;
  readonly ingest: TelemetryIngest;
  readonly #agent: DeviceAgent;
  readonly #noTelemetryHook: unknown;
  #tools: ToolBench | undefined;

  /** @param noTelemetryHook the hook of an author who wrote none: not worth calling */
  constructor(agent: DeviceAgent, parts: AgentParts, definition: DeviceDefinition, noTelemetryHook: unknown) {
    const { context, outbound } = parts;
    this.#agent = agent;
    this.#noTelemetryHook = noTelemetryHook;
    this.definition = definition;
    this.parts = parts;
    this.context = context;
    this.twin = new Twin(context, outbound, definition);
    this.commands = new Commands(context, outbound, definition, (record) =>
      this.#tools?.effects.ended(record),
    );
    this.rules = new RuleBook(context, definition);
    this.alerts = new Alerts(context, outbound);
    this.deadLetters = new DeadLetters(context, outbound);
    this.ingest = new TelemetryIngest(context, definition);
  }

  /** What the device is sent in: its connection's choice, its model's, its last payload's, JSON. */
  get codec(): Codec {
    const chosen = this.context.cell('codec');
    if (chosen === 'json' || chosen === 'cbor') return chosen;
    return this.definition.encoding ?? this.ingest.codec ?? 'json';
  }

  /** What its tools share: most agents that wake need none of it. @throws BridgeError BRG_DEFINITION for a bad policy */
  get tools(): ToolBench {
    return (this.#tools ??= new ToolBench(this.#agent, this));
  }

  /** Why a rule may not send its command; undefined: it may. */
  refusedRule(rule: FiredRule): string | undefined {
    if (this.context.cell('toolRules') === undefined) return undefined;
    try {
      return this.tools.refusedRule(rule);
    } catch (error) {
      // A policy that is not valid must not cost the telemetry that fired the rule.
      return asBridgeError(error).message;
    }
  }

  /** A person has set or removed this rule: it is no tool's any more. */
  tookOverRule(id: string): void {
    if (this.context.cell('toolRules') !== undefined) this.tools.forgetRule(id);
  }

  /** What runs a job that no author wrote. */
  job(name: string): ((payload: unknown) => unknown) | undefined {
    return name === SCHEDULED_COMMAND ? (payload) => this.tools.runScheduled(payload) : undefined;
  }

  /** One of the device's tools. @throws BridgeError BRG_DEFINITION for a bad policy */
  tool(name: string, by: string): DeviceTool | undefined {
    return allTools(this.tools, () => by).find((tool) => tool.name === name);
  }

  /** A client may set the state: telemetry is merged into it. @throws BridgeError BRG_PAYLOAD_SHAPE */
  checkState(state: unknown): void {
    if (isJsonObject(state)) return;
    throw new BridgeError('BRG_PAYLOAD_SHAPE', 'the state of a device is an object of its metrics');
  }

  firstFrames(): Frame[] {
    const { reported, desired, delta, version } = this.twin;
    const at = this.context.lastSeenMs ?? this.context.now();
    return [
      { type: 'mooring_twin', reported, desired, delta, version },
      { type: 'mooring_presence', presence: this.context.presence, at },
    ];
  }

  wake(): void {
    carryOut(this.#agent, this, this.rules.alarm(this.context.now()));
  }

  alarm(nowMs: number): void {
    this.commands.tick(nowMs);
    carryOut(this.#agent, this, this.rules.alarm(nowMs));
  }

  nextAlarmMs(): number | null {
    const next = Math.min(this.rules.nextAlarmMs ?? Infinity, this.commands.nextAlarmMs() ?? Infinity);
    return next === Infinity ? null : next;
  }

  isBusy(): boolean {
    return this.commands.hasWaiters || this.#tools?.isBusy === true;
  }

  destroyed(by: string): void {
    this.commands.drop(by);
    this.stop();
  }

  stop(): void {
    this.#tools?.letGo();
  }

  abandoned(): void {
    this.commands.letGo();
    this.stop();
  }

  failed(record: InboundRecord, error: BridgeError): void {
    const channel = CHANNELS[record.kind];
    if (channel !== undefined) this.deadLetters.add(channel, record.payload, error);
  }

  /** One record of the device or its connection. */
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

  request(request: number, name: string, body: unknown): unknown {
    const answer = answerDeviceRequest(this, request, name, body);
    this.settleRules();
    return answer;
  }

  /** After rules were added or removed: when to look at them again. */
  settleRules(): void {
    if (this.rules.takeChanged()) carryOut(this.#agent, this, this.rules.alarm(this.context.now()));
  }

  #telemetry(record: InboundRecord): void | Promise<void> {
    this.context.countMessage(record.receivedAtMs);
    const { events, failures } = this.ingest.take(record.payload, record.receivedAtMs);
    for (const failure of failures) this.deadLetters.add('telemetry', record.payload, failure);
    let running: Promise<void> | undefined;
    for (const event of events) {
      this.#apply(event);
      if (this.#agent.onTelemetry === this.#noTelemetryHook) continue;
      const hook = (): void | Promise<void> =>
        this.parts.runHook('onTelemetry', () => this.#agent.onTelemetry(event));
      running = running === undefined ? (hook() ?? undefined) : running.then(hook);
    }
    return running;
  }

  #apply(event: TelemetryEvent): void {
    const { ts, values, seq } = event;
    this.parts.state.stream({ ...this.#agent.state, ...values });
    this.context.addHistory(ts, values);
    this.#tools?.effects.telemetry(event);
    if (this.rules.all.length > 0) {
      const fired = this.rules.telemetry(ts, values, event.receivedAtMs);
      if (fired.length > 0) carryOut(this.#agent, this, fired);
      this.parts.rearm();
    }
    if (this.context.connections().length > 0) {
      this.parts.outbound.broadcast({
        type: 'mooring_telemetry',
        ts,
        values,
        ...(seq === null ? {} : { seq }),
      });
    }
  }

  #reported(record: InboundRecord): void | Promise<void> {
    this.context.countMessage(record.receivedAtMs);
    const value = this.#decoded(record);
    this.twin.report(value);
    const patch = value as JsonObject; // `report` refuses anything but an object.
    this.#tools?.effects.reported(patch, record.receivedAtMs);
    const hook = (): void | Promise<void> => this.#agent.onReported(patch, this.twin.reported);
    return this.parts.runHook('onReported', hook);
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
    this.parts.rearm();
    return this.parts.runHook('onResult', () => this.#agent.onResult(command));
  }

  #called(record: InboundRecord): void | Promise<void> {
    this.context.countMessage(record.receivedAtMs);
    const args = record.payload.length === 0 ? [] : this.#decoded(record);
    if (isButtonPress(this, record, args)) return undefined;
    return answerDeviceCall(this.parts.calls, this.context, record, args, this.codec);
  }

  #presence(record: InboundRecord): void | Promise<void> {
    const said = saidPresence(record);
    return said === undefined ? undefined : this.#become(said.presence, said.reason);
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
    this.parts.outbound.broadcast({ type: 'mooring_presence', presence, at });
    const { address, shard } = this.context;
    if (presence === 'online') {
      shard.attention.resolve('offline', address.model, address.id);
      if (channels.connection.hasSubscribers) tell('online', this.context, {});
      return this.parts.runHook('onOnline', () => this.#agent.onOnline());
    }
    // A device that said goodbye is asleep; one that vanished wants a look.
    if (reason !== GOODBYE)
      shard.attention.add({ ...address, reason: 'offline', ts: at, text: `offline: ${reason}` });
    if (channels.connection.hasSubscribers) tell('offline', this.context, { reason });
    return this.parts.runHook('onOffline', () => this.#agent.onOffline(reason));
  }
}
