/** What the embedded engine did, as plain numbers that grow and may be summed. See base/model-metrics.ts for their names. */
import { DurationHistogram } from '../../base/duration-histogram.ts';
import { ENGINE_EDGES_US } from '../../base/model-metrics.ts';
import type { BridgeError } from '../../base/errors.ts';
import type { Choice, Generation } from './generation.ts';
import type { Run } from './run.ts';

export class EngineCounters {
  readonly #queue = new DurationHistogram(ENGINE_EDGES_US);
  readonly #firstToken = new DurationHistogram(ENGINE_EDGES_US);
  readonly #betweenTokens = new DurationHistogram(ENGINE_EDGES_US);
  readonly #total = new DurationHistogram(ENGINE_EDGES_US);
  requests = 0;
  rejected = 0;
  replaced = 0;
  preempted = 0;
  /** Key-value memory of agents: written to their files, read from there, and what did not fit any more. */
  saved = 0;
  restored = 0;
  dropped = 0;
  #failed = 0;
  #answered = 0;
  #promptTokens = 0;
  #cachedTokens = 0;
  #outputTokens = 0;
  #forcedTokens = 0;
  #steps = 0;
  #rows = 0;
  #stepMs = 0;

  stepped(rows: number, ms: number): void {
    this.#steps++;
    this.#rows += rows;
    this.#stepMs += ms;
  }

  started(queueMs: number, { promptTokens, cachedTokens = 0 }: Run): void {
    this.#queue.observe(queueMs);
    this.#promptTokens += promptTokens;
    this.#cachedTokens += cachedTokens;
  }

  tokenCame(run: Run, nowMs: number): void {
    if (run.firstTokenMs === undefined) this.#firstToken.observe(nowMs - run.submittedMs);
    else this.#betweenTokens.observe(nowMs - (run.lastTokenMs ?? nowMs));
    run.firstTokenMs ??= nowMs;
    run.lastTokenMs = nowMs;
  }

  done({ usage, times }: Generation | Choice): void {
    this.#answered++;
    this.#outputTokens += usage.outputTokens;
    this.#forcedTokens += usage.forcedTokens;
    this.#total.observe(times.totalMs);
  }

  failed(_error: BridgeError): void {
    this.#failed++;
  }

  /** Adds `engineRequests`, ... and the buckets of the four times to `totals`. */
  addTo(totals: Record<string, number>): void {
    const add = (name: string, value: number): void => void (totals[name] = (totals[name] ?? 0) + value);
    add('engineRequests', this.requests);
    add('engineAnswered', this.#answered);
    add('engineFailed', this.#failed);
    add('engineRejected', this.rejected);
    add('engineReplaced', this.replaced);
    add('enginePreempted', this.preempted);
    add('engineKvSaved', this.saved);
    add('engineKvRestored', this.restored);
    add('engineKvDropped', this.dropped);
    add('enginePromptTokens', this.#promptTokens);
    add('engineCachedTokens', this.#cachedTokens);
    add('engineOutputTokens', this.#outputTokens);
    add('engineForcedTokens', this.#forcedTokens);
    add('engineSteps', this.#steps);
    add('engineRows', this.#rows);
    add('engineStepMs', this.#stepMs);
    this.#queue.addTo(totals, 'engineQueue');
    this.#firstToken.addTo(totals, 'engineFirstToken');
    this.#betweenTokens.addTo(totals, 'engineBetweenTokens');
    this.#total.addTo(totals, 'engineTotal');
  }
}
