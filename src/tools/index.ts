/**
 * What a model may call: tools as data with one function each (`tool.ts`), tools of foreign MCP servers
 * (`mcp/client/`), and the bridge's own as an MCP server (`mcp/endpoint/`).
 */
export type { Tool, ToolHints } from './tool.ts';
export { createMcpEndpoint } from './mcp/endpoint/endpoint.ts';
export type { McpEndpoint } from './mcp/endpoint/endpoint.ts';
export type { AgentTarget, FleetPort, JsonObject } from './mcp/endpoint/fleet-port.ts';
