/** What the box that teaches a rule says: the dry run in words, and the rule as data to be kept. */
import { plural } from './format.ts';

/** What `POST rules?dryRun=true` answers. */
export interface RulePreview {
  readonly description: string;
  readonly tier?: 'grammar' | 'model';
  readonly confidence?: number;
  readonly wouldHaveFired: DryRun;
  readonly [field: string]: unknown;
}

export interface DryRun {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
  readonly times: readonly number[];
  readonly steps: number;
  readonly resolutionMs: number | null;
  readonly withoutHistory: readonly string[];
}

const SHOWN_MAX = 4;
const DAY_MS = 86_400_000;

/** The rule alone, as it is sent to be kept. */
export function ruleOf(preview: RulePreview): Record<string, unknown> {
  const {
    description: _,
    source: _source,
    tier: _tier,
    confidence: _sure,
    wouldHaveFired: _tried,
    ...rule
  } = preview;
  return rule;
}

/** "Would have fired 3 times in the last 7 days: Tue 14:02, ...". */
export function dryRunWords(run: DryRun, clock: (atMs: number) => string): string {
  const blind = run.withoutHistory.length === 0 ? '' : ` ${run.withoutHistory.join(', ')} has no history.`;
  if (run.steps === 0) return `There is no stored history to try it on.${blind}`;
  const span = `in the last ${plural(Math.round((run.toMs - run.fromMs) / DAY_MS), 'day')}`;
  const coarse =
    run.resolutionMs === null ? '' : ` History was looked at in steps of ${run.resolutionMs / 1000} s.`;
  if (run.count === 0) return `Would not have fired ${span}.${coarse}${blind}`;
  const shown = run.times.slice(0, SHOWN_MAX).map(clock).join(', ');
  const more = run.count > SHOWN_MAX ? ', …' : '.';
  return `Would have fired ${plural(run.count, 'time')} ${span}: ${shown}${more}${coarse}${blind}`;
}
