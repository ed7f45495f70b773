/**
 * The chunks of the answers of a chat: each has a sequence number in its stream, from 1, and is stored before anybody
 * gets it. Rows hold many chunks, one a line; the last row of a stream grows with each commit until it is full.
 */
import type { ActorContext } from '../../actor/index.ts';
import { limits } from '../../base/limits.ts';
import type { ChatFailure } from './chat-failure.ts';

export type StreamStatus = 'queued' | 'streaming' | 'completed' | 'error' | 'cancelled' | 'interrupted';

export interface StreamRow {
  /** That of the request. */
  readonly id: string;
  readonly status: StreamStatus;
  readonly messageId: string | null;
  /** Parts of the message before the stream. */
  readonly baseParts: number;
  readonly isContinuation: boolean;
  /** How many chunks there are, once it has ended. */
  readonly lastSeq: number;
  readonly failure: ChatFailure | null;
  /** The messages it is to answer. */
  readonly userMessages: readonly string[];
}

export class StreamLog {
  readonly #context: ActorContext;
  /** The row that grows. */
  #tail: { readonly id: string; readonly firstSeq: number; bytes: number } | undefined;

  constructor(context: ActorContext) {
    this.#context = context;
  }

  /** A turn will come. One of the same id before it is forgotten. The tables are there. @param userMessages what it is to answer */
  open(id: string, userMessages: readonly string[]): void {
    const now = this.#context.now();
    this.#prune(now);
    this.#run('DELETE FROM cf_ai_chat_stream_chunks WHERE stream_id = ?', id);
    const sql = `INSERT OR REPLACE INTO cf_ai_chat_stream_metadata(id, request_id, status, created_at, user_messages)
      VALUES(?, ?, 'queued', ?, ?)`;
    this.#run(sql, id, id, now, JSON.stringify(userMessages));
  }

  /** It has begun. */
  begin(id: string, messageId: string, baseParts: number, isContinuation: boolean): void {
    const sql = `UPDATE cf_ai_chat_stream_metadata
      SET status = 'streaming', message_id = ?, base_parts = ?, continuation = ? WHERE id = ?`;
    this.#run(sql, messageId, baseParts, isContinuation ? 1 : 0, id);
  }

  /** @param chunks JSON texts; the first has the number `firstSeq` */
  append(id: string, firstSeq: number, chunks: readonly string[]): void {
    const body = chunks.join('\n');
    const tail = this.#tail?.id === id && this.#tail.bytes < limits.chatSegmentBytes ? this.#tail : undefined;
    if (tail === undefined) {
      this.#run('INSERT INTO cf_ai_chat_stream_chunks VALUES(?, ?, ?)', id, firstSeq, body);
      this.#tail = { id, firstSeq, bytes: body.length };
    } else {
      const sql = `UPDATE cf_ai_chat_stream_chunks SET body = body || char(10) || ?
        WHERE stream_id = ? AND first_seq = ?`;
      this.#run(sql, body, id, tail.firstSeq);
      tail.bytes += body.length + 1;
    }
  }

  /** @param lastSeq how many chunks there are */
  end(id: string, status: StreamStatus, failure: ChatFailure | null, lastSeq = 0): void {
    if (this.#tail?.id === id) this.#tail = undefined;
    const sql =
      'UPDATE cf_ai_chat_stream_metadata SET status = ?, completed_at = ?, failure = ?, last_seq = ? WHERE id = ?';
    this.#run(
      sql,
      status,
      this.#context.now(),
      failure === null ? null : JSON.stringify(failure),
      lastSeq,
      id,
    );
  }

  /** Those that the end of a process or thread cut off since then. The tables are there. */
  interruptedSince(ms: number): string[] {
    const sql = `SELECT id FROM cf_ai_chat_stream_metadata WHERE status = 'interrupted' AND completed_at >= ? ORDER BY rowid`;
    return this.#context.database.all(sql, [ms]).map(({ id }) => String(id));
  }

  get(id: string): StreamRow | undefined {
    const [row] = this.#context.database.all('SELECT * FROM cf_ai_chat_stream_metadata WHERE id = ?', [id]);
    if (row === undefined) return undefined;
    const { failure } = row;
    return {
      id,
      status: String(row['status']) as StreamStatus, // only this class writes it
      messageId: row['message_id'] === null ? null : String(row['message_id']),
      baseParts: Number(row['base_parts']),
      isContinuation: row['continuation'] === 1,
      lastSeq: Number(row['last_seq']),
      userMessages: JSON.parse(String(row['user_messages'])) as string[], // as above
      failure: typeof failure === 'string' ? (JSON.parse(failure) as ChatFailure) : null, // as above
    };
  }

  /**
   * The stored chunks behind the one with this number, as JSON texts: the first has the number `afterSeq` + 1. Some rows
   * of them, until they have more than `charactersMax`; `isLast` when nothing comes after them.
   */
  read(id: string, afterSeq: number, charactersMax: number): { chunks: string[]; isLast: boolean } {
    const sql = `SELECT first_seq, body FROM cf_ai_chat_stream_chunks WHERE stream_id = ? AND first_seq >=
      coalesce((SELECT max(first_seq) FROM cf_ai_chat_stream_chunks WHERE stream_id = ? AND first_seq <= ?), 0)
      ORDER BY first_seq`;
    const chunks: string[] = [];
    let characters = 0;
    for (const { first_seq, body } of this.#context.database.cursor(sql, [id, id, afterSeq + 1])) {
      if (characters > charactersMax) return { chunks, isLast: false };
      const fresh = String(body)
        .split('\n')
        .slice(Math.max(0, afterSeq + 1 - Number(first_seq)));
      for (const chunk of fresh) characters += chunk.length;
      chunks.push(...fresh);
    }
    return { chunks, isLast: true };
  }

  /** Nothing of any stream is left. */
  clear(): void {
    this.#tail = undefined;
    this.#run('DELETE FROM cf_ai_chat_stream_chunks');
    this.#run('DELETE FROM cf_ai_chat_stream_metadata');
  }

  #prune(nowMs: number): void {
    const ended = `SELECT id FROM cf_ai_chat_stream_metadata WHERE completed_at IS NOT NULL`;
    const old = this.#context.database.all(
      `${ended} AND completed_at < ? UNION
       SELECT id FROM (${ended} ORDER BY completed_at DESC, rowid DESC LIMIT -1 OFFSET ?)`,
      [nowMs - limits.chatStreamKeepMs, limits.chatStreamsKept - 1],
    );
    for (const { id } of old) {
      this.#run('DELETE FROM cf_ai_chat_stream_chunks WHERE stream_id = ?', String(id));
      this.#run('DELETE FROM cf_ai_chat_stream_metadata WHERE id = ?', String(id));
    }
  }

  #run(sql: string, ...values: (string | number | null)[]): void {
    this.#context.database.all(sql, values);
  }
}
