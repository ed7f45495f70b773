/** What authors subclass, and how it becomes the behaviour of actors. */
export { Agent, type ConnectContext } from './agent.ts';
export { AgentConnection } from './connection.ts';
export type { MaskClass, ProtocolDecision } from './attachment.ts';
export { DeviceAgent, type DeviceState } from './device-agent.ts';
export type { TelemetryEvent } from './telemetry-ingest.ts';
export type { CommandRecord } from './commands.ts';
export { createActorFactory, type DeviceAgentClass } from './actor-adapter.ts';
