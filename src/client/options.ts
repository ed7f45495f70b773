/** What an AgentClient may be told, and the defaults. */
import type { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Codec, Frame } from '../wire/index.ts';
import type { AgentTarget } from './address.ts';
import type { StateSource } from './events.ts';
import type { LinkTimings } from './link.ts';
import type { SocketConstructor } from './socket.ts';

export interface Settings<State> extends Partial<LinkTimings> {
  /** How frames are written; CBOR by default. JSON is what the Agents SDK speaks. */
  readonly codec?: Codec;
  /** Sent as `?token=`, since browsers set no headers on WebSockets. A function is asked before every attempt. */
  readonly token?: string | (() => string | Promise<string>);
  /** Default: the global one. Node 24 and browsers have it; else that of `ws`. */
  readonly WebSocket?: SocketConstructor;
  /** Failed connections in a row before the client gives up; by default it never does. */
  readonly attemptsMax?: number;
  /** Asks for changes of the state as patches where they are smaller (`?state=patch`); true by default. */
  readonly statePatches?: boolean;
  /** Deadline of calls that name none, in ms. */
  readonly callTimeoutMs?: number;
  readonly onStateUpdate?: (state: State, source: StateSource) => void;
  readonly onStateUpdateError?: (message: string) => void;
  readonly onIdentity?: (name: string, agent: string) => void;
  readonly onFrame?: (frame: Frame) => void;
  readonly onError?: (error: BridgeError) => void;
}

/** Where the agent is, and how to talk to it. */
export type AgentClientOptions<State = unknown> = AgentTarget & Settings<State>;

export function timingsOf(options: Partial<LinkTimings>): LinkTimings {
  return {
    heartbeatMs: options.heartbeatMs ?? limits.clientHeartbeatMs,
    heartbeatTimeoutMs: options.heartbeatTimeoutMs ?? limits.clientHeartbeatTimeoutMs,
    connectTimeoutMs: options.connectTimeoutMs ?? limits.clientConnectTimeoutMs,
    backoffBaseMs: options.backoffBaseMs ?? limits.clientBackoffBaseMs,
    backoffMaxMs: options.backoffMaxMs ?? limits.clientBackoffMaxMs,
  };
}
