/** MCP servers that agents use: docs/mcp.md. What speaks to them is `McpClients` of the tools room. */
export { AgentMcp, type McpToolCall } from './agent-mcp.ts';
export type { ToolFilter } from './ai-tools.ts';
export type { McpElicitationHandler, McpElicitationHandlers } from './elicitation-handlers.ts';
export { MCP_KIND } from './mcp-cells.ts';
export { describeMcp, McpDesk } from './mcp-desk.ts';
export { answerMcpRequest, isAboutMcp } from './mcp-requests.ts';
export {
  MCP_DEFAULTS,
  serverOptions,
  type AddMcpServerOptions,
  type McpHost,
  type McpSettings,
} from './mcp-settings.ts';
export { remoteTools } from './remote-tools.ts';
