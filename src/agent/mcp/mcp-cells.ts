/**
 * Where an agent keeps its MCP servers: documents of its own, so that they sleep, are copied and are forgotten with it.
 * Secrets are documents beside them, which nothing shows.
 *
 * I1 An agent that has left memory, or was given up, writes nothing: its rows are those of whoever took its place.
 */
import type { ActorContext } from '../../actor/index.ts';
import type { McpElicitation, McpSecrets, McpServerRow, McpStorage } from '../../tools/index.ts';

/** What stands before the colon in the names of its documents. */
export const MCP_KIND = 'mcp';

const SERVER = `${MCP_KIND}:`;
const SECRETS = 'mcp-secrets:';
const QUESTION = 'mcp-question:';
const NO_SECRETS: McpSecrets = Object.freeze({});

export class McpCells implements McpStorage {
  readonly #context: ActorContext;
  #isClosed = false;

  constructor(context: ActorContext) {
    this.#context = context;
  }

  servers(): readonly McpServerRow[] {
    // Only this class writes documents of these names.
    const rows = this.#all(SERVER) as McpServerRow[];
    return rows.sort((a, b) => (a.name === b.name ? compare(a.id, b.id) : compare(a.name, b.name)));
  }

  server(id: string): McpServerRow | undefined {
    return this.#context.cell(SERVER + id) as McpServerRow | undefined; // as above
  }

  saveServer(row: McpServerRow): void {
    this.#set(SERVER + row.id, row);
  }

  deleteServer(id: string): void {
    this.#set(SERVER + id, undefined);
    this.#set(SECRETS + id, undefined);
    for (const one of this.elicitations()) if (one.serverId === id) this.deleteElicitation(one.id);
  }

  secrets(serverId: string): McpSecrets {
    return (this.#context.cell(SECRETS + serverId) as McpSecrets | undefined) ?? NO_SECRETS; // as above
  }

  saveSecrets(serverId: string, secrets: McpSecrets): void {
    this.#set(SECRETS + serverId, secrets);
  }

  elicitations(): readonly McpElicitation[] {
    return this.#all(QUESTION) as McpElicitation[]; // as above
  }

  saveElicitation(elicitation: McpElicitation): void {
    this.#set(QUESTION + elicitation.id, elicitation);
  }

  deleteElicitation(id: string): void {
    if (this.#context.cell(QUESTION + id) !== undefined) this.#set(QUESTION + id, undefined);
  }

  /** I1 */
  close(): void {
    this.#isClosed = true;
  }

  get isClosed(): boolean {
    return this.#isClosed || this.#context.turn.isAbandoned;
  }

  #all(prefix: string): unknown[] {
    return this.#context
      .cellNames(prefix)
      .map((name) => this.#context.cell(name))
      .filter((value) => value !== undefined);
  }

  #set(name: string, value: unknown): void {
    if (!this.isClosed) this.#context.setCell(name, value);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
