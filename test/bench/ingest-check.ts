/** Whether a bridge has what it acknowledged. */
import { ask, statsHold } from './ask.ts';
import type { LoadShape } from './options.ts';
import type { Subject } from './subject.ts';

const APPLIED_WITHIN_MS = 30_000;
const QUESTIONS_AT_ONCE = 32;

/**
 * Throws unless exactly the acknowledged messages were applied, and each is one point of history. At QoS 0
 * nothing was acknowledged: answers how many of those sent are missing.
 */
export async function verifyIngest(
  subject: Subject,
  { connections, qos }: LoadShape,
  acked: number,
  startedAtMs: number,
): Promise<number> {
  // PUBACK says journaled; the turns follow within a commit or two.
  await statsHold(subject, ({ unapplied }) => unapplied === 0, APPLIED_WITHIN_MS);
  const applied = await sum(subject, connections, 'telemetry/count', ({ applied }) => Number(applied));
  if (applied > acked || (qos > 0 && applied < acked))
    throw new Error(`${acked} messages acknowledged, but ${applied} applied`);
  const range = `from=${startedAtMs - 60_000}&to=${Date.now() + 60_000}`;
  const route = `telemetry?metric=temperature&points=1&${range}`;
  const stored = await sum(subject, connections, route, (answer) =>
    // GET telemetry answers {series: [{points: [{count}]}]} (docs/design/requests.md).
    (answer['series'] as { points: { count: number }[] }[])
      .flatMap(({ points }) => points)
      .reduce((total, { count }) => total + count, 0),
  );
  if (stored !== applied) throw new Error(`${applied} messages applied, but ${stored} points in history`);
  return acked - applied;
}

async function sum(
  subject: Subject,
  agents: number,
  route: string,
  numberIn: (answer: Record<string, unknown>) => number,
): Promise<number> {
  let total = 0;
  for (let from = 0; from < agents; from += QUESTIONS_AT_ONCE) {
    const some = Array.from({ length: Math.min(QUESTIONS_AT_ONCE, agents - from) }, (_, n) => from + n);
    const answers = await Promise.all(some.map((n) => ask(subject, `/api/agents/thermostat/${n}/${route}`)));
    for (const answer of answers) total += numberIn(answer);
  }
  return total;
}
