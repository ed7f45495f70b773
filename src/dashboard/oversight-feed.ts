/**
 * What people oversee of one agent: approvals that wait for a word, live by frames, and the last rows of its audit
 * log, read again shortly after something happened that writes one.
 */
import { agentPath, getJson, sendJson } from './api.ts';
import type { Approval, AuditItem } from './api-types.ts';
import { asApproval, withApproval } from './approvals.ts';
import type { McpQuestion } from './mcp-questions.ts';
import { Observable } from './observable.ts';
import { addressParts } from './router.ts';
import { isObject } from './twin.ts';
import type { Frame } from '../wire/index.ts';

const AUDIT_ROWS = 30;
const APPROVALS_MAX = 50;
/** A row is written with what it tells of; several come at once. */
const AUDIT_DELAY_MS = 400;

export class OversightFeed {
  readonly approvals = new Observable<readonly Approval[]>([]);
  readonly audit = new Observable<readonly AuditItem[] | null>(null);
  /** What MCP servers of this agent ask people. */
  readonly questions = new Observable<readonly McpQuestion[]>([]);
  /** When the page was opened: what was decided before is in the audit log. */
  readonly sinceMs = Date.now();
  readonly #model: string;
  readonly #id: string;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(model: string, id: string) {
    this.#model = model;
    this.#id = id;
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** Reads both again; never rejects. */
  async refresh(): Promise<void> {
    await Promise.all([this.#readApprovals(), this.#readAudit()]);
  }

  receive(frame: Frame): void {
    if (frame.type === 'mooring_approval') {
      const approval = asApproval(frame.approval);
      if (approval !== null) this.approvals.set(withApproval(this.approvals.value, approval));
    }
    // Sent with each connection, and when a question comes or goes.
    if (frame.type === 'cf_agent_mcp_servers' && hasServers(frame.mcp)) void this.#readQuestions(); // never rejects
    const isNoted =
      frame.type === 'mooring_approval' ||
      frame.type === 'mooring_command' ||
      frame.type === 'mooring_twin' ||
      (frame.type === 'cf_agent_use_chat_response' && frame.done);
    if (isNoted) this.auditSoon();
  }

  /** Something was done that the audit log has. */
  auditSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.#readAudit(); // never rejects
    }, AUDIT_DELAY_MS);
  }

  /** A person's word to a server; what it was asked for goes on. @throws Problem */
  async answer({ id }: McpQuestion, word: object): Promise<void> {
    await sendJson(
      'POST',
      agentPath(this.#model, this.#id, `/mcp-questions/${encodeURIComponent(id)}`),
      word,
    );
    await this.#readQuestions();
    this.auditSoon();
  }

  async #readQuestions(): Promise<void> {
    try {
      const path = agentPath(this.#model, this.#id, '/mcp-questions');
      this.questions.set((await getJson<{ items: readonly McpQuestion[] }>(path)).items);
    } catch (error) {
      console.warn('questions not read', error); // the link state says that the bridge is away
    }
  }

  async #readApprovals(): Promise<void> {
    try {
      const path = agentPath(this.#model, this.#id, `/approvals?limit=${APPROVALS_MAX}`);
      const { items } = await getJson<{ items: readonly Approval[] }>(path);
      // A frame that came meanwhile is the newer one where only it is decided.
      const decided = this.approvals.value.filter(({ status }) => status !== 'pending');
      this.approvals.set(decided.reduce(withApproval, items));
    } catch (error) {
      console.warn('approvals not read', error); // the link state says that the bridge is away
    }
  }

  async #readAudit(): Promise<void> {
    try {
      const query = new URLSearchParams({ agent: `${this.#model}/${this.#id}`, limit: `${AUDIT_ROWS}` });
      this.audit.set((await getJson<{ items: readonly AuditItem[] }>(`api/audit?${query.toString()}`)).items);
    } catch (error) {
      console.warn('audit log not read', error); // the list keeps what it had
    }
  }
}

function hasServers(mcp: unknown): boolean {
  return isObject(mcp) && isObject(mcp.servers) && Object.keys(mcp.servers).length > 0;
}

/** Gives a person's word. @throws Problem, such as BRG_APPROVAL_DECIDED when somebody else was first */
export function decide(
  { agent, id }: Approval,
  word: { readonly approved: boolean; readonly by: string; readonly reason?: string },
): Promise<Approval> {
  const [model, name] = addressParts(agent);
  return sendJson<Approval>('POST', agentPath(model, name, `/approvals/${encodeURIComponent(id)}`), word);
}

/** An approval as it stands now. @throws Problem */
export async function readApproval({ agent, id }: Approval): Promise<Approval | undefined> {
  const [model, name] = addressParts(agent);
  const path = agentPath(model, name, `/approvals?limit=${APPROVALS_MAX}`);
  const { items } = await getJson<{ items: readonly Approval[] }>(path);
  return items.find((approval) => approval.id === id);
}

/** The text of the program of a run; null when it was too large to be kept. @throws Problem */
export async function readProgram(agent: string, run: string): Promise<string | null> {
  const [model, name] = addressParts(agent);
  const path = agentPath(model, name, `/programs/${encodeURIComponent(run)}`);
  return (await getJson<{ text: string | null }>(path)).text;
}
