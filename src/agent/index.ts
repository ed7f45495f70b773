/** What authors subclass, and how it becomes the behaviour of actors. */
export { Agent } from './agent.ts';
export type { ConnectContext } from './agent-hooks.ts';
export { AgentConnection } from './connection.ts';
export { getCurrentAgent, type CurrentAgent } from './current-agent.ts';
export { SqlCursor, SqlError } from '../actor/index.ts';
export type { KvListOptions, SqlBinding, SqlRow, SqlValue } from '../actor/index.ts';
export { AgentStorage, StorageKv, StorageSql } from './storage.ts';
export type { ConnectionCapability } from './capabilities.ts';
export type { MaskClass, ProtocolDecision } from './attachment.ts';
export { DeviceAgent, type DeviceState } from './device-agent.ts';
export {
  chatErrorText,
  ChatAgent,
  chatTools,
  DeviceChatAgent,
  type ChatAnswer,
  type ChatConcurrency,
  type ChatErrorContext,
  type ChatFinish,
  type ChatTurnOptions,
  type ChunkStreamSource,
  type DataSchemas,
} from './chat/index.ts';
export {
  deviceTools,
  type ActionOutcome,
  type ApprovalRequest,
  type DeviceTool,
  type OutcomeWord,
  type PolicyDecision,
  type ToolApproval,
  type ToolRunOptions,
} from './device-tools/index.ts';
export type { TelemetryEvent } from './telemetry-ingest.ts';
export type { CommandRecord } from './commands.ts';
export { callable, type CallableOptions, type StandardSchema } from './calls/callable.ts';
export { StreamingResponse } from './calls/streaming-response.ts';
export type {
  FiberContext,
  FiberCriteria,
  FiberFunction,
  FiberInfo,
  FiberOptions,
  FiberStatus,
  RecoveredFiber,
} from './fibers/index.ts';
export {
  retry,
  type CallRetryOptions,
  type DeadJob,
  type IntervalOptions,
  type QueueItem,
  type RetryOptions,
  type Schedule,
  type ScheduleCriteria,
  type ScheduleOptions,
} from './jobs/index.ts';
export { createActorFactory } from './actor-adapter.ts';
export { ProgramHost, programTool, type ProgramToolOptions, type ToolGroup } from './programs/index.ts';
export { shippedTranslator, type AgentModels } from './agent-models.ts';
export {
  AgentMcp,
  type AddMcpServerOptions,
  type McpElicitationHandler,
  type McpElicitationHandlers,
  MCP_DEFAULTS,
  type McpSettings,
  type McpToolCall,
  type ToolFilter,
} from './mcp/index.ts';
export { currentTurn } from './current-agent.ts';
export {
  sortClasses,
  type AgentClasses,
  type DeviceAgentClass,
  type PlainAgentClass,
} from './agent-classes.ts';
export { getAgentByName, type AgentStub } from './agent-by-name.ts';
