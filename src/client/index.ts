/**
 * The client room, `mooring/client`: what an application in a browser or in Node talks to agents with. No Node
 * modules; the code of the wire room is the bridge's own.
 * @public
 */
export { BridgeError, type ErrorCode } from '../base/errors.ts';
/** @public */
export type { Codec, Frame, InboundFrame } from '../wire/index.ts';
/** @public */
export type { AgentTarget } from './address.ts';
/** @public */
export { AgentClient } from './agent-client.ts';
/** @public */
export { agentFetch, type AgentFetchTarget } from './agent-fetch.ts';
/** @public */
export type { CallOptions, StreamListener } from './calls.ts';
/** @public */
export type {
  AlertMessage,
  ClientEvents,
  ClientStatus,
  CommandMessage,
  FleetMessage,
  FleetRow,
  MetricValue,
  PresenceMessage,
  RejectedMessage,
  StateSource,
  TelemetryMessage,
  TwinMessage,
} from './events.ts';
/** @public */
export type { AgentClientOptions } from './options.ts';
/** @public */
export type { SocketConstructor, SocketLike } from './socket.ts';
/** @public */
export type { ArgumentsOf, CallablesOf, MethodOf, ResultOf, StateOf, Stub } from './typing.ts';
