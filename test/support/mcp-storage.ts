/** Rows of MCP servers in memory, as JSON text: what does not survive that does not survive a restart. */
import type { McpElicitation, McpSecrets, McpServerRow, McpStorage } from '../../src/tools/index.ts';

export class MemoryMcpStorage implements McpStorage {
  readonly #servers = new Map<string, string>();
  readonly #secrets = new Map<string, string>();
  readonly #elicitations = new Map<string, string>();

  servers(): McpServerRow[] {
    return [...this.#servers.values()].map((text) => JSON.parse(text) as McpServerRow); // saved below
  }

  saveServer(row: McpServerRow): void {
    this.#servers.set(row.id, JSON.stringify(row));
  }

  deleteServer(id: string): void {
    this.#servers.delete(id);
    this.#secrets.delete(id);
    for (const one of this.elicitations()) if (one.serverId === id) this.deleteElicitation(one.id);
  }

  secrets(serverId: string): McpSecrets {
    return JSON.parse(this.#secrets.get(serverId) ?? '{}') as McpSecrets; // saved below
  }

  saveSecrets(serverId: string, secrets: McpSecrets): void {
    this.#secrets.set(serverId, JSON.stringify(secrets));
  }

  elicitations(): McpElicitation[] {
    return [...this.#elicitations.values()].map((text) => JSON.parse(text) as McpElicitation); // saved below
  }

  saveElicitation(elicitation: McpElicitation): void {
    this.#elicitations.set(elicitation.id, JSON.stringify(elicitation));
  }

  deleteElicitation(id: string): void {
    this.#elicitations.delete(id);
  }
}
