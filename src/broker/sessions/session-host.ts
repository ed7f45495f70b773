/** What is around a session: the connection of its client, and what all sessions share. */
import { limits } from '../../base/limits.ts';
import type { Message, Sending } from './message.ts';
import type { Retained } from './retained-messages.ts';
import type { SessionLog } from './session-log.ts';

/** The connection of a session, as far as it needs it. */
export interface SessionLink {
  /** False: its socket has enough to send; `session.pump` is called when that has changed. */
  hasRoom(): boolean;
  mayReceive(message: Message): boolean;
  publish(message: Message, how: Sending): void;
  release(packetId: number): void;
}

/** What the sessions may hold of memory. */
export interface SessionBounds {
  /** Messages, and bytes of them, that wait for one client. */
  readonly queuedMessagesMax: number;
  readonly queuedBytesMax: number;
  /** Bytes that wait for all of them. */
  readonly queuedBytesTotalMax: number;
  /** Retained messages, and bytes of them with their topics. */
  readonly retainedMax: number;
  readonly retainedBytesMax: number;
}

export const SESSION_BOUNDS: SessionBounds = {
  queuedMessagesMax: limits.mqttQueuedMessagesMax,
  queuedBytesMax: limits.mqttQueuedBytesMax,
  queuedBytesTotalMax: limits.mqttQueuedBytesTotalMax,
  retainedMax: limits.mqttRetainedMax,
  retainedBytesMax: limits.mqttRetainedBytesMax,
};

/** What all sessions share. */
export interface SessionHost {
  readonly log: SessionLog;
  readonly bounds: SessionBounds;
  /** One message fell out of a full queue, or was not taken by it. */
  dropped(): void;
  /** A QoS 0 message for a client that reads too slowly. */
  tooSlow(): void;
  /** Whether all queues together may grow by this; negative: they shrink. */
  grow(bytes: number): boolean;
  retainedOf(topic: string): Retained | undefined;
}
