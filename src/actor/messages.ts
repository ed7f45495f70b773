/**
 * What crosses between the main thread and a shard, as objects; `envelope.ts` packs them.
 * Numbers are written to the journal: never reuse one.
 */
import type { CodecName, ConnectionDetails, DeviceChannel, ListenChannels } from './port.ts';

/** Kinds of inbound records. */
export const KIND = {
  telemetry: 1,
  reported: 2,
  result: 3,
  call: 4,
  presence: 5,
  attach: 10,
  detach: 11,
  listen: 12,
  connect: 20,
  frame: 21,
  disconnect: 22,
  request: 30,
  answer: 31,
} as const;

export type Kind = (typeof KIND)[keyof typeof KIND];

/** The record is journaled before it is applied. */
export const FLAG_DURABLE = 1;
/** The frame is text (WebSocket opcode 1). */
export const FLAG_TEXT = 2;
/** The connection existed before the shard restarted: no onConnect hook again. */
export const FLAG_RESUMED = 4;
/** A request that brings its agent into being. */
export const FLAG_CREATE = 64;

/** One inbound record. Every kind has the same form; unused parts are empty. */
export interface InboundRecord {
  readonly kind: Kind;
  readonly flags: number;
  /** Address key `model/id`; empty for requests to the shard itself. */
  readonly key: string;
  /** result: cid; call: `method/cid`; request: its name; detach, disconnect: the reason; frame: `Connection.standing`. */
  readonly subject: string;
  /** Connection id; for `request` the request id; for `disconnect` see `code`. */
  readonly connection: number;
  /** WebSocket close code of a disconnect; else 0. */
  readonly code: number;
  readonly receivedAtMs: number;
  /** Device payload, frame bytes, or JSON text of details or of a request body. A view: copy to keep. */
  readonly payload: Buffer;
}

const CHANNEL_KINDS: Record<DeviceChannel, Kind> = {
  telemetry: KIND.telemetry,
  reported: KIND.reported,
  result: KIND.result,
  call: KIND.call,
  presence: KIND.presence,
};

export function channelKind(channel: DeviceChannel): Kind {
  return CHANNEL_KINDS[channel];
}

/** Body of an `attach` record. */
export interface AttachBody {
  readonly codec: CodecName | null;
}
/** Body of a `listen` record. */
export type ListenBody = ListenChannels;
/** Body of a `connect` record. */
export type ConnectBody = Omit<ConnectionDetails, 'address'>;

/** Kinds of outbound records (effects). */
export const EFFECT = {
  /** A batch is on disk: text = batch id, count = messages in it. */
  committed: 1,
  /** A frame for some connections. */
  send: 2,
  close: 3,
  publish: 4,
  /** Answer to a request: payload = JSON, flags & FLAG_FAILED when it is an error. */
  reply: 5,
  /** The shard's condition changed: payload = JSON of Readiness. */
  readiness: 6,
  /** A question to another agent: id = number of the question, text = address key, payload = JSON. */
  ask: 7,
  /** The shard takes batches, after a start: text = the batch it journaled last. */
  started: 8,
  /** An agent is behind on its messages, or has caught up: text = its key, id = 1 or 0. */
  crowded: 9,
  /** What frames of a connection carry from now on: id = connection, text = its standing. */
  standing: 10,
} as const;

export type EffectKind = (typeof EFFECT)[keyof typeof EFFECT];

export const FLAG_FAILED = 8;
export const FLAG_RETAIN = 16;
export const FLAG_QOS1 = 32;

/** One outbound record. */
export interface EffectRecord {
  readonly kind: EffectKind;
  readonly flags: number;
  /** close: WebSocket close code. */
  readonly code: number;
  /** request id, connection id, or count. */
  readonly id: number;
  /** topic, close reason or batch id. */
  readonly text: string;
  /** send: who gets the frame. */
  readonly connections: readonly number[];
  readonly payload: Buffer;
}
