/** Reads what a server offers: its lists, as far as it says that it has them. */
import type { Client } from '@modelcontextprotocol/client';
import { BridgeError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import type { RawCatalogue } from './catalogue.ts';

/** All pages of all lists, raw. @throws what the SDK throws; BRG_MCP_TIMEOUT after `mcpListMs` in total */
export async function readLists(client: Client): Promise<RawCatalogue> {
  const stop = new AbortController();
  const late = setTimeout(
    () => stop.abort(new BridgeError('BRG_MCP_TIMEOUT', `its lists took longer than ${limits.mcpListMs} ms`)),
    limits.mcpListMs,
  );
  late.unref();
  const options = { timeout: limits.mcpListMs, signal: stop.signal };
  const capabilities = client.getServerCapabilities() ?? {};
  const { tools, prompts, resources } = capabilities;
  try {
    const [toolList, promptList, resourceList] = await Promise.all([
      tools === undefined ? { tools: [] } : client.listTools(undefined, options),
      prompts === undefined ? { prompts: [] } : client.listPrompts(undefined, options),
      resources === undefined ? { resources: [] } : client.listResources(undefined, options),
    ]);
    return {
      instructions: client.getInstructions(),
      capabilities,
      tools: toolList.tools,
      prompts: promptList.prompts,
      resources: resourceList.resources,
      ttlMs: 'ttlMs' in toolList ? toolList.ttlMs : undefined, // 2026-07-28, CacheableResult
    };
  } catch (error) {
    stop.signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(late);
    stop.abort();
  }
}
