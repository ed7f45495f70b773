/** How many sentences the shipped model and the grammar understand, of sets that training never saw. */
import { join } from 'node:path';
import { limits } from '../../src/base/limits.ts';
import { scoresOf, tiers, type Score } from '../../training/evaluate.ts';
import { projectRoot } from './machine.ts';
import type { Outcome } from './report.ts';

/** One round: the sets and the answers are the same every time, only the CPU time is not. */
export function benchRulesModel(): Promise<Outcome> {
  const sets = scoresOf(join(projectRoot, 'models/rules-1.gguf'));
  const cell = ({ exact, wrong }: Score): string =>
    `${(exact * 100).toFixed(1)} (${(wrong * 100).toFixed(1)})`;
  return Promise.resolve({
    tables: [
      {
        title: '% of sentences with exactly the rule that was meant, or rightly none (% with a wrong rule)',
        columns: ['set', 'sentences', ...tiers, 'ms CPU each'],
        rows: sets.map(({ name, sentences, cpuMs, scores }) => [
          name,
          String(sentences),
          ...tiers.map((tier) => cell(scores[tier])),
          cpuMs.toFixed(1),
        ]),
      },
    ],
    notes: [`answers below a confidence of ${limits.ruleConfidenceMin} count as not understood`],
    settings: { ruleConfidenceMin: limits.ruleConfidenceMin },
    summary: Object.fromEntries(
      sets.flatMap(({ name, scores }) => [
        [`${name} exact`, scores.both.exact],
        [`${name} wrong`, scores.both.wrong],
      ]),
    ),
    rounds: [sets],
  });
}
