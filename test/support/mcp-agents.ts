/** A bridge with the agents of mcp-devices.ts, and what tests do with them over the API. */
import { fileURLToPath } from 'node:url';
import type { BridgeOptions } from '../../src/bridge.ts';
import type { Config } from '../../src/config.ts';
import { startBridge, type TestBridge } from './bridge.ts';

const devices = fileURLToPath(new URL('./mcp-devices.ts', import.meta.url));

export const mcpBridge = (config: Partial<Config> = {}, options: BridgeOptions = {}): Promise<TestBridge> =>
  startBridge({ devices, mcpAllow: ['loopback'], ...config }, options);

/** What a method of the agent answers. */
export async function call(
  bridge: TestBridge,
  agent: string,
  method: string,
  ...args: unknown[]
): Promise<Record<string, unknown>> {
  const { status, body } = await bridge.fetch(`/api/agents/${agent}/call/${method}`, { body: { args } });
  if (status !== 200) throw new Error(`${method}: ${status} ${JSON.stringify(body)}`);
  return (body['value'] ?? {}) as Record<string, unknown>; // of the class for tests
}

/** Adds a server over the API; its id. */
export async function addServer(
  bridge: TestBridge,
  agent: string,
  url: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  const { status, body } = await bridge.fetch(`/api/agents/${agent}/mcp-servers`, {
    body: { name: 'adder', url, ...more },
  });
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
  return String(body['id']);
}
