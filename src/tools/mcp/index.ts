/** MCP, both ways: the bridge's endpoint, and clients of foreign servers. */
export { createMcpEndpoint } from './endpoint/endpoint.ts';
export { McpClients } from './client/mcp-clients.ts';
