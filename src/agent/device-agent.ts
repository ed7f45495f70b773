/**
 * The agent of a device. Subclasses add behaviour by overriding hooks; taking in what the device says is
 * the work of `DeviceDesk`, and goes on whatever a hook does.
 */
import type { ActorContext } from '../actor/index.ts';
import { limits } from '../base/limits.ts';
import type { DeviceDefinition, MetricValue } from '../device/index.ts';
import { Agent } from './agent.ts';
import { PARTS } from './agent-parts.ts';
import { askedBy } from './author-code.ts';
import { BASE_CLASS, type BaseClass } from './calls/callable.ts';
import type { CommandRecord } from './commands.ts';
import { DeviceDesk } from './device-desk.ts';
import type { JsonObject } from './merge-patch.ts';
import type { TelemetryEvent } from './telemetry-ingest.ts';
import type { Desired } from './twin.ts';

/** The latest value of each metric by name. */
export type DeviceState = Readonly<Record<string, MetricValue>>;

const DEVICE: unique symbol = Symbol('device');

/** An agent that a device belongs to: its telemetry is the state, its presence, commands and desired state are here. */
export class DeviceAgent<State extends DeviceState = DeviceState> extends Agent<State> {
  static override readonly [BASE_CLASS]: BaseClass = 'device';
  /** The model of the device, as data. */
  readonly definition: DeviceDefinition;
  readonly [DEVICE]: DeviceDesk;

  constructor(context: ActorContext, definition: DeviceDefinition) {
    super(context);
    this.definition = definition;
    const parts = this[PARTS];
    this[DEVICE] = new DeviceDesk(this, parts, definition, DeviceAgent.prototype.onTelemetry);
    parts.extension = this[DEVICE];
  }

  /** New telemetry, after it went into state and history. Repetitions (boot, seq) do not come here. */
  onTelemetry(_telemetry: TelemetryEvent): void | Promise<void> {}

  /** The device reported; `patch` is what it sent, `reported` the merged whole. */
  onReported(_patch: JsonObject, _reported: JsonObject): void | Promise<void> {}

  /** The device is there. */
  onOnline(): void | Promise<void> {}

  /** `reason`: the will, the end of its connection, or a restart of the bridge. */
  onOffline(_reason: string): void | Promise<void> {}

  /** A command ended by the device's answer. */
  onResult(_command: CommandRecord): void | Promise<void> {}

  /**
   * Sends a command; it is delivered when the device is there, at least once, until `ttlMs` (ms; 1 h) are over.
   * @throws BridgeError BRG_UNKNOWN_COMMAND, BRG_COMMAND_ARGUMENT, BRG_COMMANDS_FULL
   */
  sendCommand(name: string, args: unknown = null, ttlMs: number = limits.commandTtlMs): CommandRecord {
    const { commands, codec } = this[DEVICE];
    const command = commands.create(name, args, ttlMs, codec, askedBy(this));
    this[PARTS].rearm();
    return command;
  }

  /**
   * Merges a patch into the desired state (RFC 7396) and tells the device.
   * @throws BridgeError BRG_PAYLOAD_SHAPE, BRG_PAYLOAD_RANGE, BRG_STATE_TOO_LARGE; nothing has changed then
   */
  setDesired(patch: JsonObject): Desired {
    const { twin, codec } = this[DEVICE];
    return twin.want(patch, codec);
  }

  /** Raises an alert for people: on the dashboard, in the API, as a frame. */
  alert(text: string): void {
    this[DEVICE].alerts.add({
      ts: this[PARTS].context.now(),
      ruleId: null,
      kind: 'alert',
      text,
      metric: null,
      value: null,
    });
  }
}
