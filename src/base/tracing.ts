/**
 * OpenTelemetry spans by way of its API alone: whoever runs the bridge brings an SDK, or none.
 * https://opentelemetry.io/docs/specs/otel/trace/api/
 */
import {
  context,
  ProxyTracerProvider,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';

/** What the API answers before an SDK was registered. */
const NO_PROVIDER = new ProxyTracerProvider().getDelegate();
const tracers = new WeakMap<TracerProvider, Tracer>();

/** Makes our spans; undefined, at the cost of a few reads, as long as no SDK is registered in this thread. */
export function activeTracer(): Tracer | undefined {
  const global = trace.getTracerProvider();
  const provider = global instanceof ProxyTracerProvider ? global.getDelegate() : global;
  if (provider === NO_PROVIDER) return undefined;
  const known = tracers.get(provider);
  if (known !== undefined) return known;
  const tracer = provider.getTracer('mooring');
  tracers.set(provider, tracer);
  return tracer;
}

/** Runs `code` within a span that ends when the code has ended, with the error if it threw or rejected. */
export function inSpan<T>(tracer: Tracer, name: string, attributes: Attributes, code: () => T): T {
  const span = tracer.startSpan(name, { attributes });
  let result: T;
  try {
    result = context.with(trace.setSpan(context.active(), span), code);
  } catch (error) {
    endFailed(span, error);
    throw error;
  }
  if (!(result instanceof Promise)) {
    span.end();
    return result;
  }
  result.then(
    () => span.end(),
    (error: unknown) => endFailed(span, error),
  );
  return result;
}

/** Ends a span that was begun by hand, with the error. */
export function endFailed(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.recordException(error instanceof Error ? error : message);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.end();
}
