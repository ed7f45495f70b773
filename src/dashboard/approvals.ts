/** Calls that wait for a person's word, as the page keeps and words them. Pure: the clock comes in as an argument. */
import type { Approval } from './api-types.ts';
import { isObject } from './twin.ts';

/** With one that is new or has changed; newest first. */
export function withApproval(list: readonly Approval[], approval: Approval): readonly Approval[] {
  const others = list.filter(({ agent, id }) => agent !== approval.agent || id !== approval.id);
  return [...others, approval].sort((a, b) => b.createdAtMs - a.createdAtMs);
}

/** An approval of a frame or an answer; null for what is none. */
export function asApproval(value: unknown): Approval | null {
  const isOne =
    isObject(value) &&
    typeof value.id === 'string' &&
    typeof value.agent === 'string' &&
    Array.isArray(value.votes);
  return isOne ? (value as unknown as Approval) : null; // as: the bridge's own shape
}

/** Those that a word can still change. */
export function waiting(list: readonly Approval[], nowMs: number): readonly Approval[] {
  return list.filter(({ status, expiresAtMs }) => status === 'pending' && expiresAtMs > nowMs);
}

/** "expires in 23 h", "in 12 min", "in 45 s". */
export function expiresIn(expiresAtMs: number, nowMs: number): string {
  const seconds = Math.ceil((expiresAtMs - nowMs) / 1000);
  if (seconds <= 0) return 'expired';
  if (seconds < 120) return `expires in ${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `expires in ${minutes} min` : `expires in ${Math.floor(minutes / 60)} h`;
}

/** "Approved by Ada", "Denied by Bert: too cold", "1 of 2 approved: Ada". */
export function decidedWords({ status, votes, needed }: Approval): string {
  const names = votes.filter(({ approved }) => approved).map(({ by }) => by);
  switch (status) {
    case 'pending':
      if (needed === 1) return 'Nobody has decided yet';
      return names.length === 0
        ? `0 of ${needed} people approved`
        : `${names.length} of ${needed} people approved: ${names.join(', ')}`;
    case 'approved':
      return `Approved by ${names.join(' and ') || 'somebody'}`;
    case 'denied': {
      const no = votes.findLast(({ approved }) => !approved);
      const why = no?.reason ? `: ${no.reason}` : '';
      return `Denied by ${no?.by ?? 'somebody'}${why}`;
    }
    case 'expired':
      return 'Expired: nobody decided in time, which counts as denied';
    case 'cancelled':
      return 'Not wanted any more';
  }
}

/** What came of it, in the tool's words; null while nobody knows. */
export function outcomeWords({ outcome }: Approval): string | null {
  if (outcome === null || typeof outcome.outcome !== 'string') return null;
  const { explanation } = outcome;
  return typeof explanation === 'string' && explanation !== ''
    ? `${outcome.outcome}: ${explanation}`
    : outcome.outcome;
}

/** The run of the program that asks; null when none does. */
export function runOf({ origin }: Approval): string | null {
  return origin.kind === 'program' && typeof origin.runId === 'string' ? origin.runId : null;
}

/** With the characters that turn the direction of a line spelled out: a program must not read otherwise than it runs. */
export function spelledOut(program: string): string {
  return program.replaceAll(
    /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const APPROVER_KEY = 'mooring.approver';

/** The name this browser's person decides under. */
export function readApprover(): string {
  return localStorage.getItem(APPROVER_KEY) ?? '';
}

export function writeApprover(name: string): void {
  localStorage.setItem(APPROVER_KEY, name);
}
