/**
 * What happens to agents, told on `node:diagnostics_channel` to whoever subscribes in the thread in which
 * agents run. The types carry the names of the Agents SDK (its 0.7 has the same channels), plus ours.
 *
 * I1 Without a subscriber an event costs one look at `hasSubscribers`: callers ask before they build it.
 * I2 Payloads are lean: ids, names, sizes, times, texts of errors; never a device's payload or a state.
 * I3 An event tells of what happens in a turn, when it happens: before the turn is committed, and again when
 *    the turn is replayed after a crash. What must be true for good is in the audit log and in the rows.
 */
import { channel, type Channel } from 'node:diagnostics_channel';
import type { AgentAddress } from './address.ts';

/** The channels (`mooring:` and the key), and the types of event on each. */
export const EVENTS = {
  state: ['state:update'],
  rpc: ['rpc', 'rpc:error'],
  message: ['message:request', 'message:error'],
  connection: ['connect', 'disconnect', 'online', 'offline'],
  schedule: ['schedule:create', 'schedule:execute', 'schedule:done', 'schedule:cancel', 'schedule:retry', 'schedule:error'], // prettier-ignore
  queue: ['queue:create', 'queue:execute', 'queue:done', 'queue:cancel', 'queue:retry', 'queue:error'],
  chat: ['chat:request', 'chat:response', 'chat:clear'],
  command: ['command:create', 'command:done', 'command:failed', 'command:expired', 'command:dropped'],
  rule: ['rule:fire', 'rule:suppress'],
  lifecycle: ['create', 'wake', 'hibernate', 'destroy'],
} as const;

type EventChannel = keyof typeof EVENTS;
/** The type of an event: the names of the Agents SDK, and ours. */
export type EventType = (typeof EVENTS)[EventChannel][number];

interface JobFacts {
  readonly id: string;
  /** The author's method. */
  readonly callback: string;
}
interface JobRun extends JobFacts {
  /** From 1. */
  readonly attempt: number;
}
interface JobFailure extends JobRun {
  readonly error: string;
}
interface CommandFacts {
  readonly cid: string;
  readonly command: string;
}
/** `durationMs`: since the command was accepted. */
interface CommandEnd extends CommandFacts {
  readonly durationMs: number;
}
interface OfConnection {
  readonly connection: string;
}
interface CallFacts {
  readonly method: string;
  /** Where the call came from: `connection 7`, `api`, `device`. */
  readonly source: string;
  readonly streaming: boolean;
  /** From the call to its last answer. */
  readonly durationMs: number;
}

/** What each type of event carries. */
export interface EventPayloads {
  /** `version`: that of the new state; `source`: who changed it; telemetry between two commits is one change. */
  'state:update': { readonly version: number; readonly source: 'server' | 'connection' | 'telemetry' };
  /** A call has its last answer. */
  rpc: CallFacts;
  'rpc:error': CallFacts & { readonly code: string; readonly error: string };
  /** A message for `onMessage` of so many `bytes`. */
  'message:request': OfConnection & { readonly bytes: number; readonly isText: boolean };
  /** A frame was refused. */
  'message:error': OfConnection & { readonly code: string; readonly error: string };
  connect: OfConnection & {
    readonly transport: string;
    readonly codec: string;
    readonly user: string | null;
  };
  /** `code`: the close code of RFC 6455 section 7.4; 1006 when it broke off. */
  disconnect: OfConnection & { readonly code: number; readonly reason: string };
  /** The device is there. */
  online: object;
  offline: { readonly reason: string };
  /** `atMs`: its first run, ms since epoch. */
  'schedule:create': JobFacts & { readonly kind: string; readonly atMs: number };
  'schedule:execute': JobRun;
  'schedule:done': JobRun;
  'schedule:cancel': JobFacts;
  /** An attempt failed; `nextAttemptMs`: when the next begins, ms since epoch. */
  'schedule:retry': JobFailure & { readonly nextAttemptMs: number };
  /** Given up: it is a dead letter. */
  'schedule:error': JobFailure & { readonly reason: string };
  'queue:create': JobFacts;
  'queue:execute': JobRun;
  'queue:done': JobRun;
  'queue:cancel': JobFacts;
  'queue:retry': EventPayloads['schedule:retry'];
  'queue:error': EventPayloads['schedule:error'];
  /** A turn of the chat was asked for: by a client (`submit`, `regenerate`), the agent (`saved`), or to go on. */
  'chat:request': { readonly request: string; readonly kind: string };
  /** It has ended: `completed`, `error` (`code`) or `cancelled`. */
  'chat:response': {
    readonly request: string;
    readonly outcome: string;
    readonly code: string | null;
    /** How many. */
    readonly chunks: number;
    /** ms from the first moment of the turn. */
    readonly durationMs: number;
    /** Of the model, when its author handed on `onFinish`. */
    readonly finishReason: string | null;
  };
  'chat:clear': object;
  /** `by`: who asked for it, as in the audit log. */
  'command:create': CommandFacts & { readonly by: string };
  'command:done': CommandEnd;
  'command:failed': CommandEnd & { readonly error: string };
  'command:expired': CommandEnd;
  /** The agent was deleted while it waited. */
  'command:dropped': CommandEnd;
  'rule:fire': { readonly rule: string; readonly action: string; readonly metric: string | null };
  /** It fires too often and does nothing for now; told once. */
  'rule:suppress': { readonly rule: string };
  /** The agent is met for the first time. */
  create: object;
  wake: object;
  /** `awakeMs`: how long it was in memory, in ms. */
  hibernate: { readonly cause: string; readonly awakeMs: number };
  destroy: object;
}

/** What a subscriber gets. */
export interface AgentEvent<Type extends EventType = EventType> {
  readonly type: Type;
  /** The agent's model, and its id: the names of the Agents SDK. */
  readonly agent: string;
  readonly name: string;
  /** ms since epoch. */
  readonly ts: number;
  readonly payload: EventPayloads[Type];
}

/** Ask `hasSubscribers` of the event's channel before `tell`. */
export const channels: Readonly<Record<EventChannel, Channel>> = mapped((name) => channel(`mooring:${name}`));

const channelOf = new Map<EventType, Channel>(
  entries().flatMap(([name, types]) => types.map((type) => [type, channels[name]] as const)),
);

/** Tells the subscribers. What one throws becomes an uncaught exception of the thread (Node). */
export function tell<Type extends EventType>(
  type: Type,
  source: { readonly address: AgentAddress; now(): number },
  payload: EventPayloads[Type],
): void {
  const { model: agent, id: name } = source.address;
  const event: AgentEvent<Type> = { type, agent, name, ts: source.now(), payload };
  channelOf.get(type)?.publish(event);
}

function entries(): [EventChannel, readonly EventType[]][] {
  return Object.entries(EVENTS) as [EventChannel, readonly EventType[]][]; // its own keys
}

function mapped(make: (name: EventChannel) => Channel): Record<EventChannel, Channel> {
  const made = entries().map(([name]) => [name, make(name)] as const);
  return Object.fromEntries(made) as Record<EventChannel, Channel>; // each key of EVENTS
}
