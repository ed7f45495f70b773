/**
 * What a model may call: tools as data with one function each (`tool.ts`), tools of foreign MCP servers
 * (`mcp/client/`), and the bridge's own as an MCP server (`mcp/endpoint/`).
 */
export type { Tool, ToolHints } from './tool.ts';
export { createMcpEndpoint } from './mcp/endpoint/endpoint.ts';
export type { McpEndpoint } from './mcp/endpoint/endpoint.ts';
export type { AgentTarget, FleetPort, JsonObject } from './mcp/endpoint/fleet-port.ts';
export { McpClients } from './mcp/client/mcp-clients.ts';
export type { AddedServer, McpTool } from './mcp/client/mcp-clients.ts';
export type { McpClientsOptions } from './mcp/client/clients-options.ts';
export type { AddServerOptions, McpStdioTarget } from './mcp/client/options.ts';
export type { McpCallOptions, McpCallOutcome } from './mcp/client/calls.ts';
export type { McpServersFrame } from './mcp/client/describe.ts';
export type {
  McpElicitation,
  McpElicitationAnswer,
  McpSecrets,
  McpServerRow,
  McpStorage,
} from './mcp/client/server-row.ts';
