/** What a model, a program or an MCP client may call, whoever offers it: data that describes it, and one function. */
import type { JsonSchema } from './codemode/schema-check.ts';

/** Hints to whoever decides about a call; of a foreign server they are claims, not facts (MCP 2026-07-28, ToolAnnotations). */
export interface ToolHints {
  readonly title?: string;
  /** It changes nothing. */
  readonly readOnlyHint?: boolean;
  /** It may change or destroy something that cannot be brought back. */
  readonly destructiveHint?: boolean;
  /** Calling it again with the same arguments changes nothing more. */
  readonly idempotentHint?: boolean;
  /** It reaches things beyond its own system. */
  readonly openWorldHint?: boolean;
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly annotations?: ToolHints;
  /** Resolves with a JSON value. Rejects with a BridgeError, whose message a model may read, or when `signal` ends. */
  execute(
    input: unknown,
    options: {
      readonly signal: AbortSignal;
      /** The call of a chat that wants it. */ readonly toolCallId?: string;
    },
  ): Promise<unknown>;
}
