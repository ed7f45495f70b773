/** Approvals by themselves: their life, their votes and their time. */
import { expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { Approval } from '../../../src/agent/approvals/approval.ts';
import { ApprovalAgent, codeOf, MINUTE, question } from './context.ts';

const yes = (by: string) => ({ approved: true, by, via: 'api' });
const no = (by: string, reason?: string) => ({
  approved: false,
  by,
  via: 'api',
  ...(reason === undefined ? {} : { reason }),
});

test('a word of one person decides, in the turn that hears it, and is an audit row beside the request', () => {
  const agent = new ApprovalAgent();
  const heard: Approval[] = [];
  agent.approvals.onDecided('chat', (approval) => heard.push(approval));
  const { id } = agent.approvals.ask(question());
  expect(agent.approvals.get(id)).toMatchObject({
    agent: 'pump/p1',
    status: 'pending',
    needed: 1,
    votes: [],
  });
  const decided = agent.approvals.decide(id, yes('Anna'));
  expect(decided).toMatchObject({ status: 'approved', decidedAtMs: agent.nowMs, votes: [{ by: 'Anna' }] });
  expect(heard).toEqual([decided]);
  expect(agent.events()).toEqual(['requested chat', 'approved api']);
  expect(agent.audits[1]).toMatchObject({
    subject: `send_command/${id}`,
    detail: { votes: [{ by: 'Anna', via: 'api', approved: true }] },
  });
  expect(agent.frames.map(({ type, approval }) => [type, (approval as Approval).status])).toEqual([
    ['mooring_approval', 'pending'],
    ['mooring_approval', 'approved'],
  ]);
});

test('of two who race one decides; the other is told how it ended, and changes nothing', () => {
  const agent = new ApprovalAgent();
  const heard: string[] = [];
  agent.approvals.onDecided('chat', ({ status }) => heard.push(status));
  const { id } = agent.approvals.ask(question());
  agent.approvals.decide(id, no('Bert', 'not today'));
  const before = agent.approvals.get(id);
  expect(codeOf(() => agent.approvals.decide(id, yes('Anna')))).toBe('BRG_APPROVAL_DECIDED');
  expect(() => agent.approvals.decide(id, yes('Anna'))).toThrow('Bert denied it: not today');
  expect(agent.approvals.get(id)).toEqual(before);
  expect(heard).toEqual(['denied']);
  expect(codeOf(() => agent.approvals.decide('nobody', yes('Anna')))).toBe('BRG_UNKNOWN_APPROVAL');
});

test('with two persons one is not enough, also under another spelling; a denial of one is', () => {
  const agent = new ApprovalAgent();
  const { id } = agent.approvals.ask(question({ needed: 2 }));
  expect(agent.approvals.decide(id, yes('Anna'))).toMatchObject({
    status: 'pending',
    votes: [{ by: 'Anna' }],
  });
  expect(codeOf(() => agent.approvals.decide(id, yes(' ANNA ')))).toBe('BRG_APPROVAL_SAME_PERSON');
  agent.wake();
  expect(agent.approvals.decide(id, yes('Bert'))).toMatchObject({ status: 'approved' });
  expect(agent.events()).toEqual(['requested chat', 'voted api', 'approved api']);
  const other = agent.approvals.ask(question({ needed: 2 }));
  agent.approvals.decide(other.id, yes('Anna'));
  expect(agent.approvals.decide(other.id, no('Anna'))).toMatchObject({ status: 'denied' });
});

test('nobody decides: it expires by the alarm, and nobody approves it after its time, alarm or not', () => {
  const agent = new ApprovalAgent();
  const { id } = agent.approvals.ask(question({ ttlMs: 10 * MINUTE }));
  const later = agent.approvals.ask(question({ ttlMs: 20 * MINUTE }));
  agent.nowMs += 10 * MINUTE;
  expect(codeOf(() => agent.approvals.decide(id, yes('Anna')))).toBe('BRG_APPROVAL_DECIDED');
  agent.wake();
  const heard: string[] = [];
  agent.approvals.onDecided('chat', (approval) => heard.push(`${approval.id} ${approval.status}`));
  agent.ring();
  expect(heard).toEqual([`${id} expired`]);
  expect(agent.events().at(-1)).toBe('expired bridge');
  agent.ring();
  expect(agent.approvals.get(later.id)).toMatchObject({ status: 'expired' });
  expect(agent.approvals.nextAlarmMs()).toBeNull();
});

test('a day without a word is the default, thirty days the most', () => {
  const agent = new ApprovalAgent();
  const usual = agent.approvals.ask(question());
  const long = agent.approvals.ask(question({ ttlMs: 1e12 }));
  expect(usual.expiresAtMs - agent.nowMs).toBe(24 * 60 * MINUTE);
  expect(long.expiresAtMs - agent.nowMs).toBe(limits.approvalTtlMaxMs);
});

test('the same question of the same call is asked once; of another call, or with other arguments, again', () => {
  const agent = new ApprovalAgent();
  const asked = question();
  const { id } = agent.approvals.ask(asked);
  expect(agent.approvals.ask(asked).id).toBe(id);
  expect(agent.approvals.ask({ ...asked, binding: 'c' }).id).not.toBe(id);
  const origin = { kind: 'program', runId: 'r', sequence: 1 } as const;
  const first = agent.approvals.ask(question({ origin }));
  expect(agent.approvals.ask(question({ origin })).id).toBe(first.id);
  expect(agent.approvals.ask(question({ origin: { ...origin, sequence: 2 } })).id).not.toBe(first.id);
  expect(agent.approvals.ask(question({ origin: { kind: 'tool' } })).id).not.toBe(
    agent.approvals.ask(question({ origin: { kind: 'tool' } })).id,
  );
});

test('what was approved begins once, and nothing else begins; its outcome is kept, a large one cut to its words', () => {
  const agent = new ApprovalAgent();
  const { id } = agent.approvals.ask(question());
  expect(agent.approvals.begin(id)).toBe(false);
  agent.approvals.decide(id, yes('Anna'));
  expect(agent.approvals.begin(id)).toBe(true);
  agent.wake();
  expect(agent.approvals.begin(id)).toBe(false);
  agent.approvals.finish(id, { outcome: 'done', explanation: 'start: seen', evidence: { rpm: 1 } });
  expect(agent.approvals.get(id)?.outcome).toMatchObject({ outcome: 'done', evidence: { rpm: 1 } });
  agent.approvals.finish(id, { outcome: 'done', explanation: 'x', answer: 'y'.repeat(10_000) });
  expect(agent.approvals.get(id)?.outcome).toEqual({ outcome: 'done', explanation: 'x' });
  const denied = agent.approvals.ask(question());
  agent.approvals.decide(denied.id, no('Anna'));
  expect(agent.approvals.begin(denied.id)).toBe(false);
});

test('who asked and fails to go on does not undo the decision', () => {
  const agent = new ApprovalAgent();
  agent.approvals.onDecided('chat', () => {
    throw new Error('broken');
  });
  const { id } = agent.approvals.ask(question());
  expect(agent.approvals.decide(id, yes('Anna'))).toMatchObject({ status: 'approved' });
  expect(agent.logged).toMatchObject([{ approval: id }]);
});

test('so many may wait, and so many are kept; what is approved and not finished is never dropped', () => {
  const agent = new ApprovalAgent();
  const first = agent.approvals.ask(question());
  agent.approvals.decide(first.id, yes('Anna'));
  for (let n = 0; n < limits.approvalsDecidedMax + 5; n++) {
    agent.nowMs += 1;
    agent.approvals.decide(agent.approvals.ask(question()).id, no('Anna'));
  }
  expect(agent.approvals.list('denied')).toHaveLength(limits.approvalsDecidedMax);
  expect(agent.approvals.get(first.id)).toMatchObject({ status: 'approved' });
  for (let n = 0; n < limits.approvalsPendingMax; n++) agent.approvals.ask(question());
  expect(codeOf(() => agent.approvals.ask(question()))).toBe('BRG_APPROVALS_FULL');
  const text = 'x'.repeat(limits.approvalArgumentsBytesMax);
  agent.approvals.cancel(agent.approvals.pending[0]?.id ?? '', 'api');
  expect(codeOf(() => agent.approvals.ask(question({ arguments: { text } })))).toBe('BRG_PAYLOAD_TOO_LARGE');
  expect(agent.approvals.pending).toHaveLength(limits.approvalsPendingMax - 1);
});

test('an agent that is deleted leaves a row for each that waited', () => {
  const agent = new ApprovalAgent();
  agent.approvals.ask(question());
  agent.approvals.drop('api');
  expect(agent.events()).toEqual(['requested chat', 'cancelled api']);
});
