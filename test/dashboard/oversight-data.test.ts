import { describe, expect, it } from 'vitest';
import type { Approval, AuditItem } from '../../src/dashboard/api-types.ts';
import {
  decidedWords,
  expiresIn,
  outcomeWords,
  waiting,
  withApproval,
} from '../../src/dashboard/approvals.ts';
import { auditWords, whoOf } from '../../src/dashboard/audit.ts';

const approval: Approval = {
  id: 'p1',
  agent: 'valve/v1',
  status: 'pending',
  tool: 'send_command',
  arguments: { command: 'move', value: 60 },
  explanation: 'move 60 needs a person',
  origin: { kind: 'chat', toolCallId: 'c1' },
  requestedBy: 'agent',
  createdAtMs: 1000,
  expiresAtMs: 61_000,
  needed: 1,
  votes: [],
  decidedAtMs: null,
  outcome: null,
};

describe('approvals', () => {
  it('are kept by agent and id, newest first, and wait until their time', () => {
    const other = { ...approval, agent: 'valve/v2', createdAtMs: 2000 };
    const list = [approval, other].reduce(withApproval, []);
    expect(list.map(({ agent }) => agent)).toEqual(['valve/v2', 'valve/v1']);
    expect(waiting(list, 5000)).toHaveLength(2);
    expect(waiting(list, 61_000)).toEqual([]);
    const decided = withApproval(list, { ...approval, status: 'approved' });
    expect(decided).toHaveLength(2);
    expect(waiting(decided, 5000)).toEqual([other]);
  });

  it('say who decided, and what came of it', () => {
    const ada = { by: 'Ada', approved: true, atMs: 1 };
    const bert = { by: 'Bert', approved: false, atMs: 2, reason: 'too wet' };
    expect(decidedWords({ ...approval, needed: 2, votes: [ada] })).toBe('1 of 2 people approved: Ada');
    expect(decidedWords({ ...approval, status: 'approved', votes: [ada] })).toBe('Approved by Ada');
    expect(decidedWords({ ...approval, status: 'denied', votes: [ada, bert] })).toBe(
      'Denied by Bert: too wet',
    );
    expect(decidedWords({ ...approval, status: 'expired' })).toMatch(/counts as denied/);
    expect(outcomeWords(approval)).toBeNull();
    expect(outcomeWords({ ...approval, outcome: { outcome: 'done', explanation: 'seen' } })).toBe(
      'done: seen',
    );
  });

  it('count down', () => {
    expect(expiresIn(61_000, 1000)).toBe('expires in 60 s');
    expect(expiresIn(24 * 3_600_000, 0)).toBe('expires in 24 h');
    expect(expiresIn(30 * 60_000, 0)).toBe('expires in 30 min');
    expect(expiresIn(1, 1)).toBe('expired');
  });
});

describe('rows of the audit log', () => {
  const row = (item: Partial<AuditItem>): ReturnType<typeof auditWords> =>
    auditWords({
      id: '1',
      ts: 1,
      agent: 'a/b',
      kind: 'command',
      event: 'created',
      subject: '',
      by: 'api',
      detail: {},
      ...item,
    });

  it('say who, what and why', () => {
    expect(row({ subject: 'move/c1', detail: { args: 60 }, by: 'rule:heat' })).toMatchObject({
      what: 'command move 60',
      who: 'rule heat',
    });
    const votes = [{ by: 'Ada', approved: true, reason: 'it is dry' }];
    expect(
      row({
        kind: 'approval',
        event: 'approved',
        subject: 'send_command/p1',
        by: 'api:admin',
        detail: { votes },
      }),
    ).toMatchObject({
      what: 'approval of send_command',
      why: 'yes from Ada: it is dry',
      who: 'API (admin)',
      tone: 'good',
    });
    expect(
      row({
        kind: 'tool',
        event: 'needs-approval',
        subject: 'send_command',
        detail: { explanation: 'no rule' },
      }),
    ).toMatchObject({ event: 'needs approval', why: 'no rule' });
    expect(
      row({ event: 'failed', subject: 'move/c1', by: 'device', detail: { error: 'jammed' } }),
    ).toMatchObject({
      tone: 'bad',
      why: 'jammed',
      who: 'the device',
    });
  });

  it('are readable whatever they hold', () => {
    expect(row({ kind: 'new', event: 'odd', subject: 's', detail: null })).toMatchObject({
      what: 'new s',
      why: '',
    });
    expect(whoOf('connection:7')).toBe('connection 7');
    expect(whoOf('somebody')).toBe('somebody');
  });
});
