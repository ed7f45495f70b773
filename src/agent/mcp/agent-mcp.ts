/** `this.mcp`: what an author does with the servers of the agent, in the names of the Agents SDK. */
import type { ToolSet } from 'ai';
import type {
  McpCallOptions,
  McpCallOutcome,
  McpElicitation,
  McpElicitationAnswer,
  McpTool,
} from '../../tools/index.ts';
import { aiTools, type ToolFilter } from './ai-tools.ts';
import type { McpElicitationHandlers } from './elicitation-handlers.ts';
import type { McpDesk } from './mcp-desk.ts';

/** Which tool of which server, with what. */
export interface McpToolCall {
  readonly serverId: string;
  readonly name: string;
  readonly arguments?: unknown;
}

/** The MCP servers of an agent, as its author's code uses them. */
export class AgentMcp {
  readonly #desk: McpDesk;

  /** Made by the agent. */
  constructor(desk: McpDesk) {
    this.#desk = desk;
  }

  /** The tools of all servers as they were offered last, connected or not. */
  listTools(): readonly McpTool[] {
    return this.#desk.listTools();
  }

  /**
   * The same for `streamText` of `ai`, by the names `tool_{serverId}_{tool}`. They are there at once after a wake. Whatever
   * its `trust`, the model may call what you give it.
   */
  getAITools(filter: ToolFilter = {}): ToolSet {
    return aiTools(this.#desk, filter);
  }

  /**
   * Calls a tool, connecting first if need be. `waiting`: its server asks a person; the answer ends the call.
   * Rejects with BridgeError BRG_MCP_UNKNOWN, BRG_MCP_ARGUMENTS, BRG_MCP_TOOL (the tool said so), BRG_MCP_TIMEOUT,
   * BRG_MCP_UNAVAILABLE, BRG_MCP_AUTHORIZATION, BRG_MCP_ANSWER, BRG_MCP_FULL, or the signal's reason.
   */
  callTool(
    { serverId, name, arguments: input = {} }: McpToolCall,
    options: McpCallOptions = {},
  ): Promise<McpCallOutcome> {
    return this.#desk.call(serverId, name, input, options);
  }

  /** Connects where tools are not known, or may have changed. Resolves when no connection is being made, or in time; never rejects. */
  async waitForConnections(
    options: { readonly timeoutMs?: number; readonly timeout?: number } = {},
  ): Promise<void> {
    const { timeout, timeoutMs = timeout } = options;
    await this.#desk.waitForConnections(timeoutMs).catch(() => undefined); // the agent goes to sleep
  }

  /** Questions of servers that wait for a person, oldest first. They are kept for a week, also while the agent sleeps. */
  elicitations(): readonly McpElicitation[] {
    return this.#desk.elicitations();
  }

  /** A person's word on a question. Null: no call of this agent waits for it; else, and rejects, as `callTool`. */
  answerElicitation(
    id: string,
    answer: McpElicitationAnswer,
    options: McpCallOptions = {},
  ): Promise<McpCallOutcome | null> {
    return this.#desk.answer(id, answer, options);
  }

  /** Your code answers questions in a person's place, or answers nothing and leaves them to one. Say so in `onStart`. */
  configureElicitationHandlers(handlers: McpElicitationHandlers): void {
    this.#desk.configureHandlers(handlers);
  }
}
