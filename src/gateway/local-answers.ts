/** What the gateway answers without asking an agent: health, readiness, metrics, models, OpenAPI. */
import type { Readiness } from '../actor/index.ts';
import { unreachable } from '../base/errors.ts';
import { describeRoutes } from './openapi.ts';
import { jsonAnswer } from './problem.ts';
import type { Answer } from './problem.ts';
import type { LocalAnswers } from './route.ts';
import { routes } from './routes.ts';

/** All the gateway needs to know of a model; the rest is passed on as it is. */
export interface ModelInfo {
  readonly model: string;
}

/** Where `/metrics` comes from. */
export interface MetricsSource {
  render(): Promise<{ contentType: string; body: string }>;
}

interface LocalContext {
  readiness(): Readiness;
  readonly models: readonly ModelInfo[];
  readonly metrics: MetricsSource;
  readonly version: string;
}

export function localAnswers(context: LocalContext): LocalAnswers {
  const models = jsonAnswer(context.models);
  let openapi: Answer | null = null; // made on first use: it takes longer than the rest of the start
  return {
    health: () => jsonAnswer({ status: 'ok', version: context.version }),
    ready: () => {
      const readiness = context.readiness();
      return jsonAnswer(describeReadiness(readiness), readiness.kind === 'ready' ? 200 : 503);
    },
    metrics: async () => {
      const { contentType, body } = await context.metrics.render();
      return { status: 200, headers: { 'content-type': contentType, 'cache-control': 'no-store' }, body };
    },
    models: () => models,
    openapi: () => (openapi ??= jsonAnswer(describeRoutes(routes, context.version))),
  };
}

function describeReadiness(readiness: Readiness): Record<string, unknown> {
  switch (readiness.kind) {
    case 'ready':
      return { status: 'ready', detail: 'messages are taken and acknowledged' };
    case 'starting':
      return { status: 'starting', detail: 'the shards are starting' };
    case 'replaying': {
      const { applied, total } = readiness;
      const percent = total === 0 ? 100 : Math.floor((applied / total) * 100);
      const detail = `journaled messages are being applied: ${applied} of ${total}`;
      return { status: 'replaying', detail, applied, total, percent };
    }
    case 'disk-full': {
      const { sinceMs } = readiness;
      return {
        status: 'disk-full',
        detail: 'the disk is full: nothing is acknowledged until there is room',
        sinceMs,
      };
    }
    case 'stopping':
      return { status: 'stopping', detail: 'the bridge is stopping' };
    default:
      return unreachable(readiness);
  }
}
