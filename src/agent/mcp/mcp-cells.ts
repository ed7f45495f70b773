/**
 * Where an agent keeps its MCP servers: documents of its own, so that they sleep, are copied and are forgotten with it.
 * Secrets are documents beside them, which nothing shows and no export holds (`store/secret-cells.ts`): tokens, and what a
 * server is sent with every request or gets as its environment.
 *
 * I1 An agent that has left memory, or was given up, writes nothing: its rows are those of whoever took its place.
 */
import type { ActorContext } from '../../actor/index.ts';
import type { McpElicitation, McpSecrets, McpServerRow, McpStorage, McpTarget } from '../../tools/index.ts';

/** What stands before the colon in the names of its documents. */
export const MCP_KIND = 'mcp';

const SERVER = `${MCP_KIND}:`;
const SECRETS = 'mcp-secrets:';
const TARGET = 'mcp-secrets-target:';
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
    const rows = (this.#all(SERVER) as McpServerRow[]).map((row) => this.#whole(row));
    return rows.sort((a, b) => (a.name === b.name ? compare(a.id, b.id) : compare(a.name, b.name)));
  }

  server(id: string): McpServerRow | undefined {
    const row = this.#context.cell(SERVER + id) as McpServerRow | undefined; // as above
    return row === undefined ? undefined : this.#whole(row);
  }

  saveServer(row: McpServerRow): void {
    const bare = bareOf(row.target);
    this.#set(SERVER + row.id, { ...row, target: bare });
    const known = JSON.stringify(this.#context.cell(TARGET + row.id));
    const wanted = JSON.stringify(bare) === JSON.stringify(row.target) ? undefined : row.target;
    if (known !== JSON.stringify(wanted)) this.#set(TARGET + row.id, wanted);
  }

  deleteServer(id: string): void {
    this.#set(SERVER + id, undefined);
    this.#set(SECRETS + id, undefined);
    this.#set(TARGET + id, undefined);
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

  /** Of an agent that was imported they are missing: whoever adds the server again gives them. */
  #whole(row: McpServerRow): McpServerRow {
    const target = this.#context.cell(TARGET + row.id) as McpTarget | undefined; // as above
    return target === undefined ? row : { ...row, target };
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

/** Without what may be a secret: headers, environment, and the query of an address. */
function bareOf(target: McpTarget): McpTarget {
  if (target.kind === 'stdio') return { ...target, env: {} };
  return { ...target, url: target.url.replace(/\?[^#]*/, ''), headers: {} };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
