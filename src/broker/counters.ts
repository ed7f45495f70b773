import type { DENIED_REASONS } from '../base/metrics.ts';

/** Why something an MQTT client asked for was refused. */
export type DeniedReason = (typeof DENIED_REASONS)[number];

/** What the broker counts. Called on the hot path: an implementation must be cheap and must not throw. */
export interface BrokerCounters {
  /** One PUBLISH arrived. */
  messagesIn(qos: 0 | 1 | 2): void;
  /** Payload bytes of one PUBLISH. */
  bytesIn(bytes: number): void;
  /** A PUBLISH to `devices/...` that belongs to no model and no channel. */
  unmapped(): void;
  denied(reason: DeniedReason): void;
  /** A message for a session was dropped, because its queue is full. */
  queueDropped(): void;
  /** A client sent more than its rate, and is not read for a while. */
  throttled(): void;
  /** Time from PUBLISH to its PUBACK (or PUBREC), sampled 1 in 16. */
  pubackLatencyMs(ms: number): void;
}

/** Counts nothing. */
export const noCounters: BrokerCounters = {
  messagesIn: () => undefined,
  bytesIn: () => undefined,
  unmapped: () => undefined,
  denied: () => undefined,
  queueDropped: () => undefined,
  throttled: () => undefined,
  pubackLatencyMs: () => undefined,
};
