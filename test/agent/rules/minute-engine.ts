/** A second engine, as simple as can be: it looks at every minute, and remembers every sample. */
import type { Member, Rule } from '../../../src/agent/rules/rule.ts';

export const MINUTE_MS = 60_000;

export interface Sample {
  readonly atMinute: number;
  readonly values: Record<string, number>;
}

/** The minutes from `startMs` on at which the rule fires. */
export function firedMinutes(one: Rule, samples: readonly Sample[], startMs: number): number[] {
  const members: readonly Member[] =
    'all' in one.when ? one.when.all : 'any' in one.when ? one.when.any : [one.when];
  const latest = new Map<string, { value: number; minute: number }>();
  const back = members.map(() => true); // whether the condition is false, and back by the hysteresis
  const fired: number[] = [];
  let trueSince: number | undefined;
  let isArmed = true;
  const isTrue = (member: Member, minute: number): boolean => {
    const last = latest.get(member.metric);
    if ('staleFor' in member) return (minute - (last?.minute ?? 0)) * MINUTE_MS >= member.staleFor;
    if (last === undefined || !('value' in member)) return false;
    return member.op === '>' ? last.value > Number(member.value) : last.value < Number(member.value);
  };
  const isIn = (minute: number): boolean => {
    if (one.between === undefined) return true;
    const time = new Date(startMs + minute * MINUTE_MS).toISOString().slice(11, 16);
    const [from, to] = one.between;
    return from < to ? from <= time && time < to : from <= time || time < to;
  };
  const look = (minute: number): void => {
    members.forEach((member, index) => {
      const last = latest.get(member.metric)?.value ?? 0;
      const edge = 'value' in member ? Number(member.value) : 0;
      const hysteresis = member.hysteresis ?? one.hysteresis ?? 0;
      const isFar =
        'op' in member && member.op === '>' ? last <= edge - hysteresis : last >= edge + hysteresis;
      if (isTrue(member, minute)) back[index] = false;
      else back[index] = 'staleFor' in member || !latest.has(member.metric) || isFar;
    });
    const truths = members.map((member) => isTrue(member, minute));
    const isNow = isIn(minute) && ('any' in one.when ? truths.includes(true) : !truths.includes(false));
    const isBack = !isIn(minute) || ('any' in one.when ? !back.includes(false) : back.includes(true));
    if (isBack) isArmed = true;
    trueSince = isNow ? (trueSince ?? minute) : undefined;
    if (!isNow || !isArmed || (minute - (trueSince ?? minute)) * MINUTE_MS < (one.forMs ?? 0)) return;
    isArmed = false;
    fired.push(minute);
  };
  for (let minute = 0; minute <= (samples.at(-1)?.atMinute ?? 0); minute += 1) {
    look(minute);
    for (const { values } of samples.filter(({ atMinute }) => atMinute === minute)) {
      for (const [metric, value] of Object.entries(values)) latest.set(metric, { value, minute });
      look(minute);
    }
  }
  return fired;
}
