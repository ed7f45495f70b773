/**
 * OAuth 2.1 for one server (PKCE, RFC 9728, RFC 8414, RFC 9207): the SDK speaks it, this keeps what it needs across
 * restarts and makes the state that ties a person's answer to the question. A state is used once, within
 * `mcpAuthorizationMs`, at the path it was made for.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import type { Clock } from '../../../base/clock.ts';
import { BridgeError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import { isLoopbackUrl } from './network-policy.ts';
import type { McpSecrets, McpStorage } from './server-row.ts';

export interface OAuthContext {
  readonly serverId: string;
  readonly storage: McpStorage;
  readonly clock: Clock;
  readonly callbackUrl: string;
  readonly clientName: string;
  /** Where a person has to go. */
  onAuthorize(authUrl: string): void;
}

export class StoredOAuthProvider implements OAuthClientProvider {
  readonly #context: OAuthContext;

  constructor(context: OAuthContext) {
    this.#context = context;
  }

  get redirectUrl(): string {
    return this.#context.callbackUrl;
  }

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: this.#context.clientName,
      redirect_uris: [this.#context.callbackUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  state(): string {
    const value = randomBytes(32).toString('base64url');
    const { pathname: path } = new URL(this.#context.callbackUrl);
    this.#save({ state: { value, path, createdAtMs: this.#context.clock.now() } });
    return value;
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.#secrets.clientInformation;
  }

  saveClientInformation(clientInformation: StoredOAuthClientInformation): void {
    this.#save({ clientInformation });
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#secrets.tokens;
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.#save({ tokens });
  }

  /** The URL is the server's word: only a web page of its own is shown to a person. */
  redirectToAuthorization(url: URL): void {
    if (url.protocol !== 'https:' && !isLoopbackUrl(url)) {
      throw new BridgeError(
        'BRG_MCP_REFUSED',
        `the server wants to be authorized at ${url.protocol}//, not https`,
      );
    }
    this.#context.onAuthorize(url.href);
  }

  saveCodeVerifier(codeVerifier: string): void {
    this.#save({ codeVerifier });
  }

  codeVerifier(): string {
    const { codeVerifier } = this.#secrets;
    if (codeVerifier === undefined)
      throw new BridgeError('BRG_MCP_AUTHORIZATION', 'no authorization was begun');
    return codeVerifier;
  }

  saveDiscoveryState(discovery: OAuthDiscoveryState): void {
    this.#save({ discovery });
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#secrets.discovery;
  }

  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    const { clientInformation, tokens, codeVerifier, discovery, ...rest } = this.#secrets;
    const isKept = (name: typeof scope): boolean => scope !== 'all' && scope !== name;
    this.#context.storage.saveSecrets(this.#context.serverId, {
      ...rest,
      ...(isKept('client') ? { clientInformation } : {}),
      ...(isKept('tokens') ? { tokens } : {}),
      ...(isKept('verifier') ? { codeVerifier } : {}),
      ...(isKept('discovery') ? { discovery } : {}),
    });
  }

  get #secrets(): McpSecrets {
    return this.#context.storage.secrets(this.#context.serverId);
  }

  #save(part: Partial<McpSecrets>): void {
    this.#context.storage.saveSecrets(this.#context.serverId, { ...this.#secrets, ...part });
  }
}

/**
 * Takes the state of this server back if it is `given`, at `path` and in time; what was stored is gone in any case
 * in which it was the one. `expired`: it was, but too late.
 */
export function useState(
  storage: McpStorage,
  serverId: string,
  { given, path, nowMs }: { given: string; path: string; nowMs: number },
): 'valid' | 'expired' | 'other' {
  const { state, ...rest } = storage.secrets(serverId);
  if (state === undefined || !isSame(state.value, given) || state.path !== path) return 'other';
  storage.saveSecrets(serverId, rest);
  return nowMs - state.createdAtMs <= limits.mcpAuthorizationMs ? 'valid' : 'expired';
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
