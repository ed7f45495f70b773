/** What language models did, for Prometheus: the numbers of inference/model-counters.ts, summed over shards. */
import { bucketLines, MODEL_EDGES_US } from './duration-histogram.ts';
import { ERRORS } from './errors.ts';

const COUNTERS: Readonly<Record<string, readonly [name: string, help: string]>> = {
  modelRequests: ['mooring_model_requests_total', 'Requests of agents to language models'],
  modelRetries: ['mooring_model_retries_total', 'Tries of them after the first'],
  modelAborts: ['mooring_model_aborts_total', 'Requests their caller gave up'],
  modelToolCalls: ['mooring_model_tool_calls_total', 'Tools that models wanted called'],
  modelTokensIn: ['mooring_model_input_tokens_total', 'Tokens of prompts'],
  modelTokensCached: ['mooring_model_cached_tokens_total', 'Tokens of prompts found in a prefix cache'],
  modelTokensOut: ['mooring_model_output_tokens_total', 'Tokens of answers'],
};

const GAUGES: typeof COUNTERS = {
  modelQueueDepth: ['mooring_model_queue_depth', 'Requests waiting for their turn at a model'],
  modelInFlight: ['mooring_model_in_flight', 'Requests that models are answering'],
  modelBreakersOpen: ['mooring_model_breakers_open', 'Endpoints left alone because they failed'],
};

/** Times of a request, by `phase`. TTFT: to the first piece of a streamed answer; ITL: between two pieces. */
const PHASES: Readonly<Record<string, string>> = {
  queue: 'modelQueueWait',
  ttft: 'modelFirstToken',
  itl: 'modelBetweenTokens',
  total: 'modelDuration',
};

/** Prometheus text (format 0.0.4). `shard` has the numbers; what it lacks is 0. */
export function modelLines(shard: Readonly<Record<string, number>>): string {
  const plain =
    (kind: string) =>
    ([key, [name, help]]: [string, readonly [string, string]]) =>
      `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${name} ${shard[key] ?? 0}\n`;
  const failed = 'mooring_model_errors_total';
  const codes = Object.keys(ERRORS).filter((code) => code.startsWith('BRG_MODEL_'));
  const seconds = 'mooring_model_seconds';
  return [
    ...Object.entries(COUNTERS).map(plain('counter')),
    ...Object.entries(GAUGES).map(plain('gauge')),
    `# HELP ${failed} Requests that failed\n# TYPE ${failed} counter\n`,
    ...codes.map((code) => `${failed}{code="${code}"} ${shard[`modelErrors_${code}`] ?? 0}\n`),
    `# HELP ${seconds} Times of requests to language models: in the queue, to the first piece, between pieces, in all\n`,
    `# TYPE ${seconds} histogram\n`,
    ...Object.entries(PHASES).map(([phase, name]) =>
      bucketLines(shard, name, seconds, `phase="${phase}"`, MODEL_EDGES_US),
    ),
  ].join('');
}
