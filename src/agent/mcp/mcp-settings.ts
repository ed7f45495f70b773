/** What a bridge says to all agents about MCP servers, and what an author says about one. */
import type { ActorContext } from '../../actor/index.ts';
import { BridgeError } from '../../base/errors.ts';
import type {
  AddServerOptions,
  McpClientsOptions,
  McpProcesses,
  McpRetry,
  McpTrust,
} from '../../tools/index.ts';

/** The same for all agents of a shard. */
export interface McpSettings {
  /** What is allowed beside servers on the public internet. */
  readonly policy: NonNullable<McpClientsOptions['policy']>;
  /** Where people reach the bridge's HTTP; null: nobody said so, and it is not known. */
  readonly publicUrl: string | null;
  /** Of the bridge, as servers get to see it. */
  readonly version: string;
}

/** The same, and what the shard itself has for them. */
export interface McpHost extends McpSettings {
  /** Those that are servers; without it an agent's own. */
  readonly processes?: McpProcesses;
}

/** Nothing but the public internet. */
export const MCP_DEFAULTS: McpHost = Object.freeze({ policy: {}, publicUrl: null, version: '0' });

/** Names and meanings of the Agents SDK, but for `trust`. */
export interface AddMcpServerOptions {
  /** Kept instead of a random one; `[A-Za-z0-9_-]{1,32}`. */
  readonly id?: string;
  /** Origin people reach this bridge at, for OAuth; default: the setting `publicUrl`, else that of the request being answered. */
  readonly callbackHost?: string;
  /** Default `/agents/{model}/{id}/callback`; it may go on from there. */
  readonly callbackPath?: string;
  readonly transport?: {
    /** Sent with every request, an API key for one. */
    readonly headers?: Readonly<Record<string, string>>;
    /** There is no other than Streamable HTTP. */
    readonly type?: 'auto' | 'streamable-http';
  };
  /** Attempts to connect; default 3, 500 ms, 5000 ms. */
  readonly retry?: Partial<McpRetry>;
  /** What the model of the chat may do with its tools by itself; default `none`: only your code calls them. */
  readonly trust?: McpTrust;
}

/** @param origin where the request came in that is answered now, if one is. @throws BridgeError BRG_MCP_OPTIONS */
export function serverOptions(
  options: AddMcpServerOptions,
  { address }: Pick<ActorContext, 'address'>,
  { publicUrl }: McpSettings,
  origin: string | undefined,
): AddServerOptions {
  const { id, callbackHost, callbackPath, transport = {}, retry, trust } = options;
  const { headers, type = 'auto' } = transport;
  if (!['auto', 'streamable-http'].includes(type)) {
    const message = `transport.type must be auto or streamable-http: ${JSON.stringify(type)} is not spoken here`;
    throw new BridgeError('BRG_MCP_OPTIONS', message);
  }
  const host = callbackHost ?? publicUrl ?? origin;
  return {
    ...(id === undefined ? {} : { id }),
    ...(headers === undefined ? {} : { headers }),
    ...(retry === undefined ? {} : { retry }),
    ...(trust === undefined ? {} : { trust }),
    ...(host === undefined ? {} : { callbackUrl: callbackUrl(host, callbackPath, address) }),
  };
}

function callbackUrl(host: string, path: string | undefined, { model, id }: ActorContext['address']): string {
  const own = `/agents/${model}/${id}/callback`;
  const wanted = path ?? own;
  // Elsewhere nobody would hand the request to this agent.
  if (wanted !== own && !wanted.startsWith(`${own}/`))
    throw new BridgeError('BRG_MCP_OPTIONS', `callbackPath must be ${own}, or a path below it`);
  if (!URL.canParse(host)) throw new BridgeError('BRG_MCP_OPTIONS', 'callbackHost must be an http(s) origin');
  return `${new URL(host).href.replace(/\/+$/, '')}${wanted}`;
}
