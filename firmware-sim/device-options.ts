import type { Clock } from '../src/base/clock.ts';
import type { DeviceDefinition } from '../src/device/index.ts';
import type { Codec } from '../src/wire/index.ts';
import type { BackoffOptions } from './backoff.ts';
import type { HandledCommand } from './command-handler.ts';
import type { MessageKind } from './uplink.ts';

/** What a simulated device is made from. */
export interface SimulatedDeviceOptions {
  readonly definition: DeviceDefinition;
  readonly id: string;
  /** `mqtt://host:port` */
  readonly broker: string;
  readonly codec: Codec;
  readonly seed: number;
  /** Telemetry messages a second; 0: only by `measure`. */
  readonly rate: number;
  /** Simulated seconds per second; default 1. */
  readonly speed?: number;
  readonly username?: string;
  readonly password?: string;
  readonly backoff?: BackoffOptions;
  readonly outboxMessagesMax?: number;
  readonly clock?: Clock;
}

/** What it tells those who watch it. */
export interface DeviceEvents {
  /** true: it had been online before. */
  online: [isReconnect: boolean];
  offline: [reason: string];
  failure: [reason: string, retryMs: number];
  telemetry: [message: Record<string, unknown>];
  reported: [patch: Record<string, unknown>];
  sent: [kind: MessageKind];
  acked: [kind: MessageKind, latencyMs: number];
  dropped: [messages: number];
  command: [command: HandledCommand];
  desired: [delta: Record<string, unknown>];
}
