import type * as Mcp from './mcp/index.ts';

/**
 * The tools room: what a model may call, and the sandbox its programs run in (Code Mode, docs/design/code-mode.md).
 * @public
 */
export {
  auditBody,
  brokenAt,
  CHAIN_START,
  chainRecord,
  type AuditRecord,
  type RunContext,
} from './codemode/audit.ts';
/** @public */
export { budgetOf, type Budget, type BudgetLimit } from './codemode/budget.ts';
/** @public */
export {
  catalogTools,
  describeTools,
  needsCatalog,
  searchTools,
  type FoundTool,
} from './codemode/catalog.ts';
/** @public */
export { ProgramCompiler, type Compilation, type CompiledProgram } from './codemode/compile.ts';
/** @public */
export { declareTools, type DeclaredTool } from './codemode/declarations.ts';
/** @public */
export type { CompileError } from './codemode/compile-text.ts';
/** @public */
export { ProgramChecker, whyNoTypeCheck } from './codemode/type-check.ts';
/** @public */
export { openExecutor, type Executor, type ExecutorOptions } from './codemode/executor.ts';
/** @public */
export { canonicalJson, type Json } from './codemode/hostile-json.ts';
/** @public */
export { createRedactor, type Redactor } from './codemode/redact.ts';
/** @public */
export type { ApprovalDecision, RecordedCall } from './codemode/replay.ts';
/** @public */
export type {
  CallRecord,
  LogLine,
  PendingApproval,
  ProgramError,
  RunEnd,
  RunRequest,
  RunResult,
} from './codemode/run-result.ts';
/** @public */
export { checkAgainstSchema, type JsonSchema } from './codemode/schema-check.ts';
/** @public */
export {
  ToolHost,
  type CallAnswer,
  type ToolAnswer,
  type ToolBinding,
  type ToolCallContext,
} from './codemode/tool-host.ts';
/** @public */
export type { AgentTarget, FleetListQuery, FleetPort, JsonObject } from './mcp/endpoint/fleet-port.ts';
/** @public */
export type { McpCaller, McpEndpoint, McpEndpointOptions } from './mcp/endpoint/endpoint.ts';
/** @public */
export type { McpScope } from './mcp/endpoint/fleet-tools.ts';
/** @public */
export type { McpCallOptions, McpCallOutcome } from './mcp/client/calls.ts';
/** @public */
export type { McpClientsOptions } from './mcp/client/clients-options.ts';
/** @public */
export type { AddedServer, McpClients } from './mcp/client/mcp-clients.ts';
/** @public */
export { isOutdated, listTools, type McpTool } from './mcp/client/listed-tools.ts';
/** @public */
export { describeRows, type McpServersFrame } from './mcp/client/describe.ts';
/** @public */
export type { AddServerOptions, McpStdioTarget } from './mcp/client/options.ts';
/** @public */
export type {
  McpElicitation,
  McpElicitationAnswer,
  McpRetry,
  McpSecrets,
  McpServerRow,
  McpStorage,
  McpTarget,
  McpTrust,
} from './mcp/client/server-row.ts';
/** @public */
export type { Tool, ToolHints } from './tool.ts';
/** @public */
export { McpProcesses } from './mcp/client/processes.ts';
/** @public */
export { ConnectGate } from './mcp/client/connect-gate.ts';

/** `createMcpEndpoint` and `McpClients`. Their SDK is loaded with the first use: a bridge need not wait for it at its start. */
export function loadMcp(): Promise<typeof Mcp> {
  return import('./mcp/index.ts');
}
