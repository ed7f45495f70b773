/**
 * What models did, as plain numbers that grow and may be summed over shards. Times: to the first piece of an
 * answer (TTFT), between two pieces (ITL), in the queue, and of the whole.
 */
import { DurationHistogram, MODEL_EDGES_US } from '../base/duration-histogram.ts';
import { ERRORS, type ErrorCode } from '../base/errors.ts';

/** Codes a request can end with. */
const CODES = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => code.startsWith('BRG_MODEL_')); // its keys are the codes

export class ModelCounters {
  readonly queueWait = new DurationHistogram(MODEL_EDGES_US);
  readonly firstToken = new DurationHistogram(MODEL_EDGES_US);
  readonly betweenTokens = new DurationHistogram(MODEL_EDGES_US);
  readonly duration = new DurationHistogram(MODEL_EDGES_US);
  requests = 0;
  retries = 0;
  aborts = 0;
  toolCalls = 0;
  tokensIn = 0;
  /** Of those, found in the endpoint's prefix cache. */
  tokensCached = 0;
  tokensOut = 0;
  readonly #errors = new Map<ErrorCode, number>();

  failed(code: ErrorCode): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  /** Adds `modelRequests`, ..., `modelErrors_<code>`, and the buckets of the four times, to `totals`. */
  addTo(totals: Record<string, number>): void {
    const add = (name: string, value: number): void => void (totals[name] = (totals[name] ?? 0) + value);
    add('modelRequests', this.requests);
    add('modelRetries', this.retries);
    add('modelAborts', this.aborts);
    add('modelToolCalls', this.toolCalls);
    add('modelTokensIn', this.tokensIn);
    add('modelTokensCached', this.tokensCached);
    add('modelTokensOut', this.tokensOut);
    for (const code of CODES) add(`modelErrors_${code}`, this.#errors.get(code) ?? 0);
    this.queueWait.addTo(totals, 'modelQueueWait');
    this.firstToken.addTo(totals, 'modelFirstToken');
    this.betweenTokens.addTo(totals, 'modelBetweenTokens');
    this.duration.addTo(totals, 'modelDuration');
  }
}
