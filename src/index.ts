/** The public API: what a project that embeds or extends Mooring imports. */
export { createBridge, type Bridge, type BridgeOptions } from './bridge.ts';
export type { Config } from './config.ts';
export { BridgeError, type ErrorCode } from './base/errors.ts';
export {
  battery,
  binary,
  command,
  defineDevice,
  enumeration,
  numeric,
  position,
  text,
} from './device/index.ts';
export type { DeviceDefinition, DeviceDefinitionInput } from './device/index.ts';
export {
  Agent,
  AgentConnection,
  callable,
  DeviceAgent,
  getAgentByName,
  getCurrentAgent,
  retry,
  StreamingResponse,
  type AgentStub,
  type CallableOptions,
  type CallRetryOptions,
  type CommandRecord,
  type ConnectContext,
  type ConnectionCapability,
  type CurrentAgent,
  type DeadJob,
  type DeviceAgentClass,
  type DeviceState,
  type IntervalOptions,
  type MaskClass,
  type ProtocolDecision,
  type QueueItem,
  type RetryOptions,
  type Schedule,
  type ScheduleCriteria,
  type ScheduleOptions,
  type StandardSchema,
  type TelemetryEvent,
} from './agent/index.ts';
