import { ProxyTracerProvider, SpanStatusCode, trace, type TracerProvider } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/base/metrics.ts';
import { fail } from '../support/model-server.ts';
import {
  failureOf,
  numbers,
  PROMPT,
  server,
  start,
  streamText,
  useModelServer,
} from '../support/remote-models.ts';

useModelServer();

interface MemorySpan {
  readonly name: string;
  readonly attributes: Record<string, unknown>;
  status?: unknown;
  ends: number;
}

/** What an OpenTelemetry SDK would register, as far as models ask for it. */
function registerTracing(): MemorySpan[] {
  const spans: MemorySpan[] = [];
  const startSpan = (name: string, options?: { attributes?: object }) => {
    const span: MemorySpan = { name, attributes: { ...options?.attributes }, ends: 0 };
    spans.push(span);
    return {
      setAttribute: (key: string, value: unknown) => void (span.attributes[key] = value),
      setAttributes: (values: object) => void Object.assign(span.attributes, values),
      recordException: () => {},
      setStatus: (status: unknown) => void (span.status = status),
      end: () => void span.ends++,
    };
  };
  const provider = { getTracer: () => ({ startSpan }) } as unknown as TracerProvider; // the part that is asked for
  trace.setGlobalTracerProvider(provider);
  return spans;
}

describe('what models did', () => {
  afterEach(() => trace.disable());

  it('is in the metrics, by code and by phase', async () => {
    const { host, model } = start();
    await streamText(model);
    server.script = (_, response) => fail(response, 400, 'no');
    await failureOf(model.doGenerate({ prompt: PROMPT }));
    const { body } = await createMetrics().render(numbers(host), {});
    for (const line of [
      'mooring_model_requests_total 2',
      'mooring_model_input_tokens_total 20',
      'mooring_model_output_tokens_total 5',
      'mooring_model_queue_depth 0',
      'mooring_model_in_flight 0',
      'mooring_model_errors_total{code="BRG_MODEL_REQUEST"} 1',
      'mooring_model_errors_total{code="BRG_MODEL_TIMEOUT"} 0',
      'mooring_model_seconds_count{phase="ttft"} 1',
      'mooring_model_seconds_count{phase="itl"} 1',
      'mooring_model_seconds_count{phase="total"} 1',
      'mooring_model_seconds_bucket{phase="queue",le="+Inf"} 2',
    ])
      expect(body.split('\n')).toContain(line);
  });

  it('is a span from the first wait to the last piece, ended once, with its tokens or its code', async () => {
    const spans = registerTracing();
    expect(trace.getTracerProvider()).toBeInstanceOf(ProxyTracerProvider);
    const { model } = start();
    await streamText(model);
    server.script = (_, response) => fail(response, 400, 'no');
    await failureOf(model.doStream({ prompt: PROMPT }));
    expect(spans).toMatchObject([
      {
        name: 'chat tiny',
        ends: 1,
        attributes: {
          'gen_ai.request.model': 'tiny',
          'mooring.agent': 'pump/p1',
          'gen_ai.usage.input_tokens': 20,
          'gen_ai.usage.output_tokens': 5,
        },
      },
      { ends: 1, status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': 'BRG_MODEL_REQUEST' } },
    ]);
  });
});
