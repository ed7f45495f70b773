/** What is kept of foreign MCP servers while their agent sleeps, and the port through which it is kept. */
import type {
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client';
import type { Json } from '../../codemode/hostile-json.ts';
import type { McpCatalogue } from './catalogue.ts';

/** How a server is reached. */
export type McpTarget =
  | { readonly kind: 'http'; readonly url: string; readonly headers: Readonly<Record<string, string>> }
  | {
      readonly kind: 'stdio';
      readonly command: string;
      readonly args: readonly string[];
      /** Beside a few harmless ones (PATH, HOME, ...), all its process gets to see. */
      readonly env: Readonly<Record<string, string>>;
    };

/** Attempts to connect, and ms between them: random below 2^n times the base, at most the maximum. */
export interface McpRetry {
  readonly maxAttempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * What a model may do with a server's tools by itself, beside what an author's own code does with them. `none`: nothing;
 * `read`: call those that say they change nothing (the server's word, which whoever adds it believes), and ask a person
 * for the others; `full`: call all of them.
 */
export type McpTrust = 'none' | 'read' | 'full';

/** One server. */
export interface McpServerRow {
  readonly id: string;
  readonly name: string;
  readonly target: McpTarget;
  readonly retry: McpRetry;
  /** Where its authorization server sends a person back to; null: it is not authorized with OAuth. */
  readonly callbackUrl: string | null;
  /** Where a person authorizes it; null: nobody has to. */
  readonly authUrl: string | null;
  /** What it offered last. */
  readonly catalogue: McpCatalogue | null;
  /** The protocol it spoke then; null: not known. */
  readonly era: 'legacy' | 'modern' | null;
  /** Said by whoever added it, never by the server. */
  readonly trust: McpTrust;
}

/** What must not be shown: storage may encrypt it. */
export interface McpSecrets {
  readonly clientInformation?: StoredOAuthClientInformation;
  readonly tokens?: StoredOAuthTokens;
  readonly codeVerifier?: string;
  readonly discovery?: OAuthDiscoveryState;
  /** Of the authorization a person has begun; used once. */
  readonly state?: { readonly value: string; readonly path: string; readonly createdAtMs: number };
}

/** A question of a server to a person (MCP elicitation), kept until it is answered or expires. */
export interface McpElicitation {
  readonly id: string;
  readonly serverId: string;
  /** ms since epoch. */
  readonly createdAtMs: number;
  /** ms since epoch. */
  readonly expiresAtMs: number;
  /** The server's words. */
  readonly message: string;
  readonly ask:
    | { readonly mode: 'form'; readonly requestedSchema: Json }
    | { readonly mode: 'url'; readonly url: string };
  /** The call that waits for it; null: the server did not say which, so that only the living connection can use the answer. */
  readonly call: McpWaitingCall | null;
  /** Given, but other questions of the same call are open. */
  readonly answer: McpElicitationAnswer | null;
}

export interface McpWaitingCall {
  readonly id: string;
  readonly tool: string;
  readonly args: Json;
  /** 2026-07-28: the question's key, and what the server wants back with the answers. 2025: null, the call is made again. */
  readonly round: { readonly key: string; readonly requestState: string | null } | null;
}

/** What a person said. */
export interface McpElicitationAnswer {
  readonly action: 'accept' | 'decline' | 'cancel';
  /** Of a form that was accepted. */
  readonly content?: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

/** Where rows are kept. Synchronous, as an agent's documents are; must not throw. */
export interface McpStorage {
  servers(): readonly McpServerRow[];
  saveServer(row: McpServerRow): void;
  /** With its secrets and questions. */
  deleteServer(id: string): void;
  secrets(serverId: string): McpSecrets;
  saveSecrets(serverId: string, secrets: McpSecrets): void;
  elicitations(): readonly McpElicitation[];
  saveElicitation(elicitation: McpElicitation): void;
  deleteElicitation(id: string): void;
}
