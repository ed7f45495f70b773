/** What an AgentClient tells its listeners, and the little emitter it tells them with. */
import type { BridgeError } from '../base/errors.ts';
import type { Frame } from '../wire/index.ts';

type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>;
type Fields<T extends Frame['type']> = Omit<FrameOf<T>, 'type'>;
type JsonObject = Readonly<Record<string, unknown>>;

/** A metric's value. */
export type MetricValue = number | boolean | string;

/** A message of the device: `ts` in ms since epoch, `seq` the device's own count. */
export interface TelemetryMessage {
  readonly ts: number;
  readonly values: Readonly<Record<string, MetricValue>>;
  readonly seq?: number;
}

/** Whether the device is there; `at` in ms since epoch. */
export interface PresenceMessage {
  readonly presence: 'online' | 'offline' | 'never';
  readonly at: number;
}

/** A step in the life of a command; `value` or `error` come with the device's answer. */
export interface CommandMessage {
  readonly cid: string;
  readonly name: string;
  readonly status: 'queued' | 'sent' | 'done' | 'failed' | 'expired';
  readonly value?: unknown;
  readonly error?: string;
}

/** A rule fired, or the agent raised an alert. `ts` in ms since epoch. */
export interface AlertMessage {
  readonly ts: number;
  readonly ruleId: string;
  readonly kind: 'alert' | 'notify';
  readonly text: string;
  readonly metric?: string;
  readonly value?: unknown;
}

/** The twin in its `version`: `delta` is the part of `desired` that `reported` does not have yet. */
export interface TwinMessage {
  readonly reported: JsonObject;
  readonly desired: JsonObject;
  readonly delta: JsonObject;
  readonly version: number;
}

/** One agent of the fleet; `lastSeen` in ms since epoch; how many `messages` were taken and `rejected`. */
export interface FleetRow {
  readonly model: string;
  readonly id: string;
  readonly presence: PresenceMessage['presence'];
  readonly lastSeen: number | null;
  readonly messages: number;
  readonly rejected: number;
  readonly state: unknown;
}

/** What changed in the fleet since the last one (connect to `fleet/all`), and its totals. */
export interface FleetMessage {
  readonly rows: readonly FleetRow[];
  readonly totals: Readonly<Record<string, number>>;
}

/** A payload of the device that was not taken; `code` as in docs/errors.md, `ts` in ms since epoch. */
export type RejectedMessage = Fields<'mooring_rejected'>;

/** `waiting`: the connection was lost and is tried again after a pause. */
export type ClientStatus = 'connecting' | 'live' | 'waiting' | 'closed';

/** Who changed the state. */
export type StateSource = 'server' | 'client';

/** Events of an AgentClient with what their listeners get. */
export interface ClientEvents<State> {
  /** The state changed: by this client at once ('client'), or as the agent says ('server'). */
  state: [state: State, source: StateSource];
  /** The agent refused a state; `state` has been rolled back. */
  stateError: [message: string];
  identity: [name: string, agent: string];
  telemetry: [message: TelemetryMessage];
  presence: [message: PresenceMessage];
  command: [message: CommandMessage];
  alert: [message: AlertMessage];
  twin: [message: TwinMessage];
  fleet: [message: FleetMessage];
  rejected: [message: RejectedMessage];
  /** Every frame of the bridge but the answers to this client's calls. */
  frame: [frame: Frame];
  /** A message of the agent's author that is no frame: text, bytes, or a value on a CBOR connection. */
  message: [message: unknown];
  status: [status: ClientStatus];
  /** A lost or failed connection, or an error the bridge reports. The client goes on unless it is `closed`. */
  error: [error: BridgeError];
}

type Listener<Values extends unknown[]> = (...values: Values) => void;

/** Listeners by event. One that throws stops neither the others nor the client. */
export class Emitter<Events extends { [K in keyof Events]: unknown[] }> {
  readonly #listeners = new Map<keyof Events, Set<Listener<unknown[]>>>();

  /** Returns what takes the listener off again. */
  on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    // `emit` takes the values of its event only.
    const entry = listener as Listener<unknown[]>;
    listeners.add(entry);
    return () => void listeners.delete(entry);
  }

  emit<K extends keyof Events>(event: K, ...values: Events[K]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      try {
        listener(...values);
      } catch (error) {
        // As an EventTarget does: uncaught, but not in the middle of ours.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** Tells of one frame: to the listeners of its own event, then to those of all frames. */
export function emitFrame(
  emitter: Emitter<ClientEvents<unknown>>,
  frame: Exclude<Frame, { type: 'rpc' }>,
): void {
  emitOwn(emitter, frame);
  emitter.emit('frame', frame);
}

/**
 * The wire room has checked that the fields are there and of their type; what is inside of objects and which
 * words a text may be is the bridge's word, taken as it is by the casts below.
 */
function emitOwn(emitter: Emitter<ClientEvents<unknown>>, frame: Exclude<Frame, { type: 'rpc' }>): void {
  switch (frame.type) {
    case 'cf_agent_identity':
      return emitter.emit('identity', frame.name, frame.agent);
    case 'mooring_telemetry':
      return emitter.emit('telemetry', payloadOf<TelemetryMessage>(frame));
    case 'mooring_presence':
      return emitter.emit('presence', payloadOf<PresenceMessage>(frame));
    case 'mooring_command':
      return emitter.emit('command', payloadOf<CommandMessage>(frame));
    case 'mooring_alert':
      return emitter.emit('alert', payloadOf<AlertMessage>(frame));
    case 'mooring_twin':
      return emitter.emit('twin', payloadOf<TwinMessage>(frame));
    case 'mooring_fleet':
      return emitter.emit('fleet', payloadOf<FleetMessage>(frame));
    case 'mooring_rejected':
      return emitter.emit('rejected', payloadOf<RejectedMessage>(frame));
    default:
      return undefined;
  }
}

function payloadOf<T>(frame: Frame): T {
  const { type: _type, ...payload } = frame;
  return payload as T;
}
