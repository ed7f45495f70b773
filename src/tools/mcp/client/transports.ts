/** The SDK's client and transports, set up so that a server cannot make them hang, grow or run what it likes. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { ResponseCacheStore, Transport } from '@modelcontextprotocol/client';
import { getDefaultEnvironment } from '@modelcontextprotocol/client/stdio';
import type { BridgeError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import type { GuardedFetch } from './guarded-fetch.ts';
import type { StoredOAuthProvider } from './oauth-provider.ts';
import type { McpTarget } from './server-row.ts';
import { StdioTransport, type StdioCommand } from './stdio-transport.ts';

/** Least time between two attempts to open a stream again: the server's own `retry:` could be 0. */
const RECONNECT_MS = 5_000;

/** A client for one connection. `onListChanged`: something the server offers is not as it was. */
export function createMcpClient(
  info: { name: string; version: string },
  connectMs: number,
  onListChanged: () => void,
): Client {
  const changed = { autoRefresh: false, debounceMs: 1_000, onChanged: onListChanged };
  return new Client(info, {
    capabilities: { elicitation: { form: {}, url: {} } },
    versionNegotiation: { mode: 'auto', probe: { timeoutMs: connectMs / 3 } },
    // Questions to a person are kept by us, for days perhaps.
    inputRequired: { autoFulfill: false },
    listMaxPages: limits.mcpListPagesMax,
    listChanged: { tools: changed, prompts: changed, resources: changed },
    // Schemas of a stranger are not compiled: `pattern` could hang this thread (see codemode/schema-check.ts).
    jsonSchemaValidator: {
      getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
    },
    responseCacheStore: NO_CACHE,
  });
}

/** Lists are kept as catalogues, cleaned and bounded; the SDK would keep them as they came. */
const NO_CACHE: ResponseCacheStore = {
  get: () => undefined,
  set: () => 0,
  delete: () => undefined,
  evict: () => undefined,
  clear: () => undefined,
};

export interface HttpAccess {
  readonly fetch: GuardedFetch;
  readonly provider: StoredOAuthProvider | null;
}

/** @param onBreach told when a process does more than it may; over HTTP its access is told */
export function createTransport(
  target: McpTarget,
  access: HttpAccess | null,
  places: Pick<StdioCommand, 'clock' | 'processes'>,
  onBreach: (error: BridgeError) => void,
): Transport {
  if (target.kind === 'stdio' || access === null) return stdioTransport(target, places, onBreach);
  const { clock } = places;
  return new StreamableHTTPClientTransport(new URL(target.url), {
    fetch: access.fetch.fetch,
    requestInit: { headers: target.headers },
    ...(access.provider === null ? {} : { authProvider: access.provider }),
    reconnectionOptions: {
      initialReconnectionDelay: RECONNECT_MS,
      maxReconnectionDelay: 60_000,
      reconnectionDelayGrowFactor: 2,
      maxRetries: 5,
    },
    reconnectionScheduler: (reconnect, delayMs) => clock.after(Math.max(delayMs, RECONNECT_MS), reconnect),
  });
}

/** Closes a client nobody is to hear of any more. Never rejects. */
export async function closeQuietly(client: Client): Promise<void> {
  client.onclose = undefined;
  await client.close().catch(() => undefined);
}

/** Its process gets the variables named, and of ours only those the SDK deems harmless; never a shell. */
function stdioTransport(
  target: McpTarget,
  { clock, processes }: Pick<StdioCommand, 'clock' | 'processes'>,
  onBreach: (error: BridgeError) => void,
): Transport {
  if (target.kind !== 'stdio') throw new TypeError('a server over HTTP needs an access');
  const { command, args } = target;
  return new StdioTransport({
    ...{ command, args, clock, processes, onBreach },
    env: { ...getDefaultEnvironment(), ...target.env },
  });
}
