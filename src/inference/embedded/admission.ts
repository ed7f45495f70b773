/** Which waiting run begins next. */
import { limits } from '../../base/limits.ts';
import type { BlockPool } from './block-pool.ts';
import type { Run } from './run.ts';
import type { WaitingLine } from './waiting-line.ts';

/**
 * Of the next few in turn, the one most of whose prompt is cached: what it begins with is still there now. Only
 * among those who asked at about the same time, so that nobody is passed for long.
 */
export function nextWaiting(
  waiting: WaitingLine,
  running: ReadonlyMap<string, Run>,
  pool: BlockPool,
  nowMs: number,
): Run | undefined {
  const reading = [...running.values()].filter(({ computed, promptTokens }) => computed < promptTokens);
  const candidates = waiting.first(limits.engineCandidatesMax, (run) => !running.has(run.agent));
  const latestMs = (candidates[0]?.turnMs ?? 0) + limits.engineCacheFirstMs;
  let best: Run | undefined;
  for (const run of candidates) {
    if (run.turnMs > latestMs) break;
    const found = cachedTokensOf(run, pool, nowMs);
    if (reading.some((other) => commonBlocks(run, other, pool.blockTokens) > found)) continue;
    if (best === undefined || found > (best.peeked?.tokens ?? 0)) best = run;
  }
  return best;
}

function cachedTokensOf(run: Run, pool: BlockPool, nowMs: number): number {
  const isFresh = run.peeked !== undefined && nowMs - run.peeked.atMs < limits.enginePeekMs;
  if (!isFresh) run.peeked = { tokens: pool.peek(run.tokens), atMs: nowMs };
  return run.peeked?.tokens ?? 0;
}

/** Tokens of whole blocks both begin with. */
function commonBlocks(a: Run, b: Run, blockTokens: number): number {
  const most = Math.min(a.tokens.length - 1, b.promptTokens);
  let same = 0;
  while (same < most && a.tokens[same] === b.tokens[same]) same++;
  return same - (same % blockTokens);
}
