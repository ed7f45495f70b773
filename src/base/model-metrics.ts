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

/** The embedded engine: see inference/embedded/engine-counters.ts. */
const ENGINE_COUNTERS: typeof COUNTERS = {
  engineRequests: ['mooring_engine_requests_total', 'Requests to models in files'],
  engineAnswered: ['mooring_engine_answers_total', 'Of those, answered'],
  engineFailed: ['mooring_engine_failures_total', 'Of those, given up, late or replaced'],
  engineRejected: ['mooring_engine_rejects_total', 'Of those, refused because too many waited'],
  engineReplaced: [
    'mooring_engine_replaced_total',
    'Waiting requests dropped for a newer one of their agent',
  ],
  enginePreempted: ['mooring_engine_preemptions_total', 'Runs that gave their blocks to one before them'],
  engineCold: ['mooring_engine_cold_requests_total', 'Requests that waited for the model to be loaded'],
  enginePromptTokens: ['mooring_engine_prompt_tokens_total', 'Tokens of prompts'],
  engineCachedTokens: ['mooring_engine_cached_tokens_total', 'Of those, found in the prefix cache'],
  engineOutputTokens: ['mooring_engine_output_tokens_total', 'Tokens of answers'],
  engineForcedTokens: ['mooring_engine_forced_tokens_total', 'Of those, the only ones a pattern left'],
  engineSteps: ['mooring_engine_steps_total', 'Batches'],
  engineRows: ['mooring_engine_rows_total', 'Tokens read in batches'],
  engineKvSaved: ['mooring_engine_kv_saved_total', 'Times the memory of an agent went to its file'],
  engineKvRestored: ['mooring_engine_kv_restored_total', 'Times it was read back'],
  engineKvDropped: ['mooring_engine_kv_dropped_total', 'Times it did not fit any more'],
};

const ENGINE_GAUGES: typeof COUNTERS = {
  engineThreads: ['mooring_engine_threads', 'Models in memory'],
  engineRunning: ['mooring_engine_running', 'Requests at work'],
  engineWaiting: ['mooring_engine_waiting', 'Requests that wait'],
  engineBlocks: ['mooring_engine_kv_blocks', 'Blocks of key-value memory'],
  engineBlocksUsed: ['mooring_engine_kv_blocks_used', 'Of those, in use'],
  engineBlocksCached: ['mooring_engine_kv_blocks_cached', 'Of those, unused and found again'],
};

const ENGINE_PHASES: typeof PHASES = {
  queue: 'engineQueue',
  ttft: 'engineFirstToken',
  itl: 'engineBetweenTokens',
  total: 'engineTotal',
};

/** Edges of the engine's times: tokens of a small model come far faster than those of a remote one. */
export const ENGINE_EDGES_US: readonly number[] = [100, 200, 500, ...MODEL_EDGES_US];

/** Prometheus text (format 0.0.4). `shard` has the numbers; what it lacks is 0. */
export function modelLines(shard: Readonly<Record<string, number>>): string {
  const plain =
    (kind: string) =>
    ([key, [name, help]]: [string, readonly [string, string]]) =>
      `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${name} ${shard[key] ?? 0}\n`;
  const failed = 'mooring_model_errors_total';
  const codes = Object.keys(ERRORS).filter((code) => code.startsWith('BRG_MODEL_'));
  const seconds = 'mooring_model_seconds';
  const engineSeconds = 'mooring_engine_seconds';
  const cpu = 'mooring_engine_cpu_seconds_total';
  return [
    ...Object.entries({ ...COUNTERS, ...ENGINE_COUNTERS }).map(plain('counter')),
    ...Object.entries({ ...GAUGES, ...ENGINE_GAUGES }).map(plain('gauge')),
    `# HELP ${cpu} CPU time of the threads of models\n# TYPE ${cpu} counter\n`,
    `${cpu} ${(shard.engineCpuMs ?? 0) / 1000}\n`,
    `# HELP ${engineSeconds} Times of requests to models in files\n# TYPE ${engineSeconds} histogram\n`,
    ...Object.entries(ENGINE_PHASES).map(([phase, name]) =>
      bucketLines(shard, name, engineSeconds, `phase="${phase}"`, ENGINE_EDGES_US),
    ),
    `# HELP ${failed} Requests that failed\n# TYPE ${failed} counter\n`,
    ...codes.map((code) => `${failed}{code="${code}"} ${shard[`modelErrors_${code}`] ?? 0}\n`),
    `# HELP ${seconds} Times of requests to language models: in the queue, to the first piece, between pieces, in all\n`,
    `# TYPE ${seconds} histogram\n`,
    ...Object.entries(PHASES).map(([phase, name]) =>
      bucketLines(shard, name, seconds, `phase="${phase}"`, MODEL_EDGES_US),
    ),
  ].join('');
}
