/**
 * Records of runs in a chain: each names the hash of the one before, so that none can be changed, removed or slipped
 * in without every later hash being wrong. Pure functions; who keeps the records decides where. What is kept outside of
 * the store as well (the last hash, printed or published) makes cutting off the end visible too.
 */
import { canonicalJson, sha256, toJson, type Json } from './hostile-json.ts';
import type { RunResult } from './run-result.ts';
import type { ToolHost } from './tool-host.ts';

/** Hash before the first record. */
export const CHAIN_START = '0'.repeat(64);

export interface AuditRecord {
  readonly previous: string;
  /** SHA-256 of `previous` and the canonical JSON of `body`. */
  readonly hash: string;
  readonly body: Json;
}

/** Who had which program run, for what. */
export interface RunContext {
  readonly agent: string;
  readonly user: string | null;
  readonly atMs: number;
  readonly programText: string;
  readonly tools: ToolHost;
}

const BODY_BYTES_MAX = 16 * 1024 * 1024;

/** What a run's record says. Answers of tools are kept as sizes and hashes, arguments as the program gave them, redacted. */
export function auditBody(result: RunResult, context: RunContext): Json {
  const { end, calls, ...facts } = result;
  const body = {
    ...facts,
    agent: context.agent,
    user: context.user,
    atMs: context.atMs,
    programText: context.programText,
    offered: context.tools.names.flatMap(([namespace, names]) => names.map((name) => `${namespace}.${name}`)),
    end: end.kind === 'done' ? { kind: end.kind, ...digest(end.value) } : end,
    calls: calls.map(({ answer, ...call }) => ({
      ...call,
      answer: answer === undefined ? null : answerOf(answer),
    })),
  };
  const json = toJson(body, BODY_BYTES_MAX);
  // Every part of a result is bounded; what is still too much is kept as its hash.
  return json.ok ? json.value : { id: result.id, isCut: true, why: json.why };
}

function answerOf(answer: NonNullable<RunResult['calls'][number]['answer']>): object {
  return answer.kind === 'value' ? { kind: answer.kind, ...digest(answer.value) } : answer;
}

function digest(value: Json): { bytes: number; sha256: string } {
  const text = canonicalJson(value);
  return { bytes: Buffer.byteLength(text), sha256: sha256(text) };
}

/** The record that follows the one with the hash `previous`. */
export function chainRecord(previous: string, body: Json): AuditRecord {
  return { previous, hash: sha256(`${previous}\n${canonicalJson(body)}`), body };
}

/** Index of the first record that does not follow the one before it; -1 when all do. */
export function brokenAt(records: readonly AuditRecord[], start = CHAIN_START): number {
  let previous = start;
  return records.findIndex((record) => {
    const isSound = record.previous === previous && chainRecord(previous, record.body).hash === record.hash;
    previous = record.hash;
    return !isSound;
  });
}
