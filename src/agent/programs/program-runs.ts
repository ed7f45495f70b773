/**
 * What is known of the programs of one agent afterwards: a chain of records, each of which names the hash of the one
 * before, so that none can be changed, removed or slipped in. The newest are kept whole, the hashes of all are in the
 * audit log.
 */
import type { ActorContext } from '../../actor/index.ts';
import { addressKey } from '../../base/address.ts';
import { limits } from '../../base/limits.ts';
import {
  auditBody,
  brokenAt,
  CHAIN_START,
  chainRecord,
  type AuditRecord,
  type Json,
  type RunResult,
  type ToolHost,
} from '../../tools/index.ts';
import { sha256Of } from '../device-tools/binding.ts';

/** Who had it run, and what it may call. */
export interface RunFacts {
  readonly runId: string;
  readonly by: string;
  readonly text: string;
  readonly tools: ToolHost;
}

/** The end of the chain. */
interface ChainHead {
  readonly hash: string;
  /** Records since the agent exists. */
  readonly count: number;
}

export interface ChainCheck {
  readonly kept: number;
  readonly count: number;
  readonly isSound: boolean;
}

const HEAD_CELL = 'programs';

export class ProgramRuns {
  readonly #context: ActorContext;

  constructor(context: ActorContext) {
    this.#context = context;
  }

  /** Adds a run to the chain and to the audit log, with this commit. */
  note(result: RunResult, { runId, by, text: programText, tools }: RunFacts): void {
    const context = this.#context;
    const { hash: previous, count } = this.#head;
    const about = { agent: addressKey(context.address), user: by, atMs: context.now(), programText, tools };
    const record = chainRecord(previous, bounded({ run: runId, ...(auditBody(result, about) as object) }));
    context.setCell(cellOf(count), record);
    if (count >= limits.programRunsKept) context.setCell(cellOf(count - limits.programRunsKept), undefined);
    context.setCell(HEAD_CELL, { hash: record.hash, count: count + 1 });
    const { programHash, calls, engine } = result;
    context.audit({
      id: `${context.effectId()}.program`,
      kind: 'program',
      event: result.end.kind,
      subject: runId,
      by,
      detail: { hash: record.hash, previous, programHash, calls: calls.length, engine: engine.name },
    });
  }

  /** Those that are kept, oldest first. */
  list(): AuditRecord[] {
    const { count } = this.#head;
    const first = Math.max(0, count - limits.programRunsKept);
    const numbers = Array.from({ length: count - first }, (_, i) => first + i);
    // Only `note` writes them.
    return numbers
      .map((number) => this.#context.cell(cellOf(number)) as AuditRecord | undefined)
      .filter((record) => record !== undefined);
  }

  /** Whether the kept records follow each other up to the end of the chain. */
  check(): ChainCheck {
    const { hash, count } = this.#head;
    const records = this.list();
    const start = count > limits.programRunsKept ? records[0]?.previous : CHAIN_START;
    const isSound =
      records.length === Math.min(count, limits.programRunsKept) &&
      brokenAt(records, start) === -1 &&
      (records.at(-1)?.hash ?? CHAIN_START) === hash;
    return { kept: records.length, count, isSound };
  }

  get #head(): ChainHead {
    // Only `note` writes it.
    return (this.#context.cell(HEAD_CELL) as ChainHead | undefined) ?? { hash: CHAIN_START, count: 0 };
  }
}

function cellOf(number: number): string {
  return `programRun:${number}`;
}

function bounded(body: Json): Json {
  const text = JSON.stringify(body);
  if (Buffer.byteLength(text) <= limits.programRunRecordBytesMax) return body;
  const { run, programHash, end } = body as { run: Json; programHash: Json; end: Json }; // as `auditBody` makes it
  const kind = (end as { kind?: Json } | undefined)?.kind ?? null;
  return { run, programHash, end: { kind }, isCut: true, sha256: sha256Of(body) };
}
