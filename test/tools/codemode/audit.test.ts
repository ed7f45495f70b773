import { expect, it } from 'vitest';
import {
  auditBody,
  brokenAt,
  CHAIN_START,
  chainRecord,
  type AuditRecord,
} from '../../../src/tools/codemode/audit.ts';
import type { RunResult } from '../../../src/tools/codemode/run-result.ts';
import { ToolHost } from '../../../src/tools/codemode/tool-host.ts';

const result: RunResult = {
  id: 'r1',
  end: { kind: 'done', value: { answer: 'a large result' } },
  logs: [],
  calls: [
    {
      sequence: 0,
      namespace: 'pump',
      tool: 'history',
      args: { id: 'p1' },
      argumentsHash: 'h',
      durationMs: 3,
      decision: 'live',
      answered: 0,
      answer: { kind: 'value', value: 'the history' },
    },
  ],
  programHash: 'p',
  seed: 1,
  nowMs: 2,
  engine: { name: 'workerd', version: '1', isolation: [] },
  timings: { queuedMs: 0, startMs: 0, isWarm: true, runMs: 1 },
  used: { cpuMs: 1, memoryBytes: 1, bytesIn: 1, bytesOut: 1 },
};

const body = auditBody(result, {
  agent: 'pump/p1',
  user: 'ann',
  atMs: 5,
  programText: 'return 1',
  tools: new ToolHost([
    {
      namespace: 'pump',
      name: 'history',
      description: '',
      inputSchema: true,
      call: () => ({ kind: 'value', value: 1 }),
    },
  ]),
});

function chain(count: number): AuditRecord[] {
  const records: AuditRecord[] = [];
  for (let i = 0; i < count; i++) records.push(chainRecord(records.at(-1)?.hash ?? CHAIN_START, { i, body }));
  return records;
}

it('a record says who ran what, with which tools and calls; results and answers as size and hash', () => {
  expect(body).toMatchObject({
    agent: 'pump/p1',
    user: 'ann',
    programText: 'return 1',
    offered: ['pump.history'],
    end: { kind: 'done', bytes: 27, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    calls: [{ args: { id: 'p1' }, answer: { kind: 'value', bytes: 13 } }],
  });
  expect(JSON.stringify(body)).not.toContain('the history');
});

it('a chain is sound as written, and broken where one is changed, removed, moved or slipped in', () => {
  const records = chain(5);
  expect(brokenAt(records)).toBe(-1);
  expect(brokenAt(records.with(2, { ...records[2]!, body: { i: 99 } }))).toBe(2);
  expect(brokenAt(records.toSpliced(2, 1))).toBe(2);
  expect(brokenAt([records[1]!, records[0]!, ...records.slice(2)])).toBe(0);
  expect(brokenAt(records.toSpliced(3, 0, chainRecord(records[2]!.hash, { i: 'x' })))).toBe(4);
  expect(brokenAt(records.slice(2), records[1]!.hash)).toBe(-1);
});
