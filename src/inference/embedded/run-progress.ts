/** What a result of the engine makes of a run: another token, the ones that must follow it, an end. */
import { assert } from '../../base/errors.ts';
import type { Choice, Generation } from './generation.ts';
import type { Run } from './run.ts';

/** How a text ended. */
export type TextEnd = Generation['reason'];

/** Adds a chosen token and those it forces, and hands their text on; how the text ended, if it did. */
export function takeToken(
  run: Run,
  token: number,
  logProbability: number,
  tokensMax: number,
  bytesOf: (token: number) => Uint8Array,
): TextEnd | undefined {
  assert(run.work.kind === 'text', 'tokens are chosen for texts');
  const { work } = run;
  run.chosenTokens++;
  run.logProbabilitySum += logProbability;
  run.leastLogProbability = Math.min(run.leastLogProbability, logProbability);
  run.tokens.push(token);
  work.output.add(bytesOf(token));
  if (work.constraint !== undefined) work.state = work.constraint.next(work.state, token);
  const end = endAfterToken(run, tokensMax) ?? forceTokens(run, tokensMax, bytesOf);
  const delta = work.output.take();
  if (delta !== '') run.events.text(delta);
  return end;
}

/** Adds what the pattern leaves no choice about: read with the next step, chosen by nobody. */
export function forceTokens(
  run: Run,
  tokensMax: number,
  bytesOf: (token: number) => Uint8Array,
): TextEnd | undefined {
  if (run.work.kind === 'choice' || run.work.constraint === undefined) return undefined;
  const { work } = run;
  const { constraint } = run.work;
  for (const token of constraint.forced(work.state)) {
    if (run.tokens.length >= tokensMax) return 'length';
    run.tokens.push(token);
    run.forcedTokens++;
    work.output.add(bytesOf(token));
    work.state = constraint.next(work.state, token);
  }
  return endAfterToken(run, tokensMax);
}

function endAfterToken(run: Run, tokensMax: number): TextEnd | undefined {
  assert(run.work.kind === 'text', 'texts end');
  const { output, constraint, state } = run.work;
  if (output.isStopped || constraint?.isOver(state) === true) return 'stop';
  return run.tokens.length >= tokensMax ? 'length' : undefined;
}

/** Notes how likely the next option is; whether it was the last. */
export function scoreOption(run: Run, logProbabilities: Float32Array): boolean {
  assert(run.work.kind === 'choice', 'options are of choices');
  run.work.logProbabilities.push(logProbabilities.reduce((sum, value) => sum + value, 0));
  return run.work.logProbabilities.length === run.work.options.length;
}

/** What whoever asked is told. */
export function outcomeOf(run: Run, reason: TextEnd, nowMs: number): Generation | Choice {
  const about = { usage: run.usage(), times: run.times(nowMs) };
  if (run.work.kind === 'choice') {
    const { logProbabilities } = run.work;
    return { index: logProbabilities.indexOf(Math.max(...logProbabilities)), logProbabilities, ...about };
  }
  const rest = run.work.output.end();
  if (rest !== '') run.events.text(rest);
  return {
    text: run.work.output.text,
    tokens: Int32Array.from(run.tokens.slice(run.promptTokens)),
    reason,
    logProbability: run.chosenTokens === 0 ? 0 : run.logProbabilitySum / run.chosenTokens,
    leastLogProbability: run.leastLogProbability,
    ...about,
  };
}
