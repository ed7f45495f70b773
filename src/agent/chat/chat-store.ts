/**
 * The messages of a chat, in the agent's own database under the names of the Agents SDK, and in memory while the
 * agent is awake. They are in the order in which they first came.
 *
 * I1 A cell (`chat`) is written with every change: an agent that never chatted has none, and no file either; and when
 *    a turn is taken back, so is the cell, and what is in memory is read again.
 * I2 What is stored has passed the row guard; what that took out is beside it.
 */
import type { ActorContext } from '../../actor/index.ts';
import { limits } from '../../base/limits.ts';
import {
  checkedMessage,
  isToolPart,
  reconciled,
  sanitized,
  type ChatMessage,
  type ChatPart,
  type ToolPart,
} from './chat-message.ts';
import { guarded, WHOLE_MESSAGE } from './row-guard.ts';

/** The document that an agent has once it has chatted. */
export const CHAT_CELL = 'chat';

/** What the cell holds. */
interface ChatCell {
  readonly revision: number;
  /** Requests whose turn has not ended. */
  readonly open: readonly string[];
}

const TABLES = `
  CREATE TABLE IF NOT EXISTS cf_ai_chat_agent_messages(
    id TEXT PRIMARY KEY, message TEXT NOT NULL, created_at DATETIME DEFAULT current_timestamp);
  CREATE TABLE IF NOT EXISTS cf_ai_chat_request_context(key TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS cf_ai_chat_stream_metadata(
    id TEXT PRIMARY KEY, request_id TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL,
    completed_at INTEGER, message_id TEXT, base_parts INTEGER NOT NULL DEFAULT 0,
    continuation INTEGER NOT NULL DEFAULT 0, last_seq INTEGER NOT NULL DEFAULT 0, failure TEXT,
    user_messages TEXT NOT NULL DEFAULT '[]');
  CREATE TABLE IF NOT EXISTS cf_ai_chat_stream_chunks(
    stream_id TEXT NOT NULL, first_seq INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY(stream_id, first_seq));
  CREATE TABLE IF NOT EXISTS cf_ai_chat_originals(
    message_id TEXT NOT NULL, part INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(message_id, part))`;

export class ChatStore {
  readonly #context: ActorContext;
  readonly #messagesMax: () => number;
  /** By id, in order; undefined: not read yet. */
  #messages: Map<string, ChatMessage> | undefined;
  #list: readonly ChatMessage[] | undefined;

  /** @param messagesMax how many the author wants to keep */
  constructor(context: ActorContext, messagesMax: () => number | undefined) {
    this.#context = context;
    this.#messagesMax = () => Math.min(messagesMax() ?? limits.chatMessagesMax, limits.chatMessagesMax);
    context.onTakenBack((name) => {
      if (name === CHAT_CELL) this.#forget();
    });
  }

  /** Whether anything was ever stored. */
  get exists(): boolean {
    return this.#context.cell(CHAT_CELL) !== undefined;
  }

  /** Requests whose turn has not ended, in the order they came. */
  get open(): readonly string[] {
    return this.#cell.open;
  }

  setOpen(open: readonly string[]): void {
    this.#write({ open });
  }

  /** Oldest first. */
  get messages(): readonly ChatMessage[] {
    return (this.#list ??= [...this.#loaded.values()]);
  }

  get(id: string): ChatMessage | undefined {
    return this.#loaded.get(id);
  }

  /** The message with the tool call of this id, the newest first. */
  withTool(toolCallId: string): ChatMessage | undefined {
    const isIt = (part: ChatPart): boolean => isToolPart(part) && part.toolCallId === toolCallId;
    return this.messages.findLast(({ parts }) => parts.some(isIt));
  }

  /**
   * Stores messages as a client sent them; what it cannot know better is left as it is. An answer that is known is
   * one of those things, unless the client edits it: it may have seen the beginning only.
   */
  takeOver(incoming: readonly ChatMessage[], areEdits: boolean): void {
    const tools = this.#tools();
    for (const message of incoming) {
      const known = message.parts.filter(isToolPart).map(({ toolCallId }) => tools.get(toolCallId));
      // A client that did not learn the id of an answer made one up.
      const owner = this.#loaded.has(message.id) ? undefined : known.find((found) => found !== undefined);
      const own = owner === undefined ? message : { ...message, id: owner.id };
      const ours = this.#loaded.get(own.id);
      // Nobody speaks in another's name.
      if (ours !== undefined && (ours.role !== own.role || (own.role === 'assistant' && !areEdits))) continue;
      this.put(reconciled(own, (toolCallId) => tools.get(toolCallId)?.part));
    }
  }

  /** Stores one message, at its place or at the end. @throws SqlError, BridgeError BRG_AGENT_FULL */
  put(message: ChatMessage): void {
    const { message: kept, originals } = guarded(sanitized(message));
    const json = JSON.stringify(kept);
    const known = this.#loaded.get(kept.id);
    if (known !== undefined && JSON.stringify(known) === json) return;
    this.#change();
    this.#run(
      `INSERT INTO cf_ai_chat_agent_messages(id, message) VALUES(?, ?)
       ON CONFLICT(id) DO UPDATE SET message = excluded.message`,
      kept.id,
      json,
    );
    for (const [part, original] of originals) {
      const sql = 'INSERT OR REPLACE INTO cf_ai_chat_originals(message_id, part, body) VALUES(?, ?, ?)';
      this.#run(sql, kept.id, part, Buffer.from(JSON.stringify(original)));
    }
    // As it will be read: nothing the author holds changes it.
    this.#loaded.set(kept.id, JSON.parse(json) as ChatMessage); // written from one
    this.#list = undefined;
    this.#dropOldest();
  }

  /** They come after all others from now on, in this order. */
  moveToEnd(ids: readonly string[]): void {
    const present = ids.flatMap((id) => this.#loaded.get(id) ?? []);
    if (present.length === 0) return;
    this.#change();
    for (const message of present) {
      this.#run('DELETE FROM cf_ai_chat_agent_messages WHERE id = ?', message.id);
      const sql = 'INSERT INTO cf_ai_chat_agent_messages(id, message) VALUES(?, ?)';
      this.#run(sql, message.id, JSON.stringify(message));
      this.#loaded.delete(message.id);
      this.#loaded.set(message.id, message);
    }
    this.#list = undefined;
  }

  delete(ids: readonly string[]): void {
    const present = ids.filter((id) => this.#loaded.has(id));
    if (present.length === 0) return;
    this.#change();
    for (const id of present) {
      this.#run('DELETE FROM cf_ai_chat_agent_messages WHERE id = ?', id);
      this.#run('DELETE FROM cf_ai_chat_originals WHERE message_id = ?', id);
      this.#loaded.delete(id);
    }
    this.#list = undefined;
  }

  /** Messages, originals and the request context; streams are for `StreamLog`. */
  clear(): void {
    if (!this.exists) return;
    this.#change();
    for (const table of ['agent_messages', 'originals', 'request_context']) {
      this.#run(`DELETE FROM cf_ai_chat_${table}`);
    }
    this.#messages = new Map();
    this.#list = undefined;
  }

  /** The message with everything the row guard took out; undefined when there is none of this id. */
  original(id: string): ChatMessage | undefined {
    const message = this.get(id);
    if (message === undefined) return undefined;
    const rows = this.#all('SELECT part, body FROM cf_ai_chat_originals WHERE message_id = ?', id);
    const originals = new Map(
      rows.map(({ part, body }) => [Number(part), JSON.parse(textOf(body)) as unknown]),
    );
    const whole = originals.get(WHOLE_MESSAGE);
    if (whole !== undefined) return whole as ChatMessage; // stored from one
    const parts = message.parts.map((part, at) => (originals.get(at) as ChatPart | undefined) ?? part); // stored from one
    return { ...message, parts };
  }

  /** What the last request brought along. */
  requestContext(key: 'body' | 'clientTools'): unknown {
    if (!this.exists) return undefined;
    const [row] = this.#all('SELECT value FROM cf_ai_chat_request_context WHERE key = ?', key);
    return row === undefined ? undefined : JSON.parse(String(row['value']));
  }

  setRequestContext(key: 'body' | 'clientTools', value: unknown): void {
    this.#change();
    const sql = 'INSERT OR REPLACE INTO cf_ai_chat_request_context(key, value) VALUES(?, ?)';
    this.#run(sql, key, JSON.stringify(value));
  }

  /** The tables are there from now on. */
  #change(): void {
    if (!this.exists) this.#context.database.all(TABLES, []);
    this.#write({});
  }

  #write(change: Partial<ChatCell>): void {
    if (!this.exists) this.#context.database.all(TABLES, []);
    const { revision, open } = this.#cell;
    this.#context.setCell(CHAT_CELL, { revision: revision + 1, open, ...change });
  }

  get #cell(): ChatCell {
    const stored = this.#context.cell(CHAT_CELL) as ChatCell | undefined; // only #write writes it
    return stored ?? { revision: 0, open: [] };
  }

  get #loaded(): Map<string, ChatMessage> {
    return (this.#messages ??= this.exists ? this.#read() : new Map<string, ChatMessage>());
  }

  #read(): Map<string, ChatMessage> {
    const messages = new Map<string, ChatMessage>();
    for (const { id, message } of this.#all(
      'SELECT id, message FROM cf_ai_chat_agent_messages ORDER BY rowid',
    )) {
      const checked = checkedMessage(parsed(message));
      if (checked === undefined)
        this.#context.log.warn({ message: id }, 'stored chat message is none: left out');
      else messages.set(checked.id, checked);
    }
    return messages;
  }

  #forget(): void {
    this.#messages = undefined;
    this.#list = undefined;
  }

  #dropOldest(): void {
    const surplus = this.#loaded.size - this.#messagesMax();
    if (surplus > 0) this.delete([...this.#loaded.keys()].slice(0, surplus));
  }

  /** Every tool call of the chat, with the id of its message. */
  #tools(): Map<string, { readonly id: string; readonly part: ToolPart }> {
    const tools = new Map<string, { id: string; part: ToolPart }>();
    for (const { id, parts } of this.#loaded.values()) {
      for (const part of parts) if (isToolPart(part)) tools.set(part.toolCallId, { id, part });
    }
    return tools;
  }

  #run(sql: string, ...values: (string | number | Uint8Array)[]): void {
    this.#context.database.all(sql, values);
  }

  #all(sql: string, ...values: string[]): Record<string, unknown>[] {
    return this.#context.database.all(sql, values);
  }
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : String(value);
}

function parsed(json: unknown): unknown {
  try {
    return JSON.parse(String(json));
  } catch {
    return undefined;
  }
}
