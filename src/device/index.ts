/**
 * Says what a device is (`defineDevice` and the capabilities), maps a topic to it (`Registry`), and
 * turns its payloads into telemetry (`decodeTelemetry`). Pure: no I/O, no clock, no state but a cache.
 */
export { checkPolicy } from './action-policy.ts';
export type { ActionPolicy, ApprovalPolicy, DevicePolicy, QuietHours, ValueSet } from './action-policy.ts';
export { battery, binary, command, enumeration, numeric, position, text } from './capability.ts';
export type { Command, CommandArgument, Metric, MetricValue } from './capability.ts';
export { checkCommandArgument, checkMetricValue } from './check.ts';
export { decodeTelemetry } from './decode.ts';
export type { Telemetry } from './decode.ts';
export { defineDevice, describeDefinition, describePlainModel } from './definition.ts';
export type { DeviceDefinition, DeviceDefinitionInput, ModelDescription } from './definition.ts';
export { Registry } from './registry.ts';
export type { TopicMatch } from './registry.ts';
export { downlinkTopics, isModel } from './topics.ts';
