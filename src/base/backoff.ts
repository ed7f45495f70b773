/** How long to wait before trying again: the formula, and what a peer asks for. */
import { limits } from './limits.ts';

/**
 * ms to wait after failed attempt `attempt` (from 1): random below `2^attempt * baseMs`, never above `maxMs`.
 * `random` gives [0, 1). https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ "full jitter"
 */
export function fullJitterMs(attempt: number, baseMs: number, maxMs: number, random: () => number): number {
  return Math.floor(random() * Math.min(2 ** attempt * Math.floor(baseMs), Math.floor(maxMs)));
}

/**
 * How long a peer asks us to wait: `Retry-After` of an error, RFC 9110 section 10.2.3.
 * ms to wait before the next attempt, at most `limits.retryAfterMaxMs`; undefined when `error` does not
 * say. Read are `retryAfterMs`, and the header `retry-after` (seconds or an HTTP date) in the `headers`
 * or `responseHeaders` of the error or of its `response`, a `Headers` or an object. Never throws.
 */
export function retryAfterMs(error: unknown, nowMs: number): number | undefined {
  try {
    const asked = askedMs(error, nowMs);
    if (asked === undefined || !(asked >= 0)) return undefined;
    return Math.min(Math.ceil(asked), limits.retryAfterMaxMs);
  } catch {
    return undefined; // a getter of somebody's error threw
  }
}

function askedMs(error: unknown, nowMs: number): number | undefined {
  const direct = property(error, 'retryAfterMs');
  if (typeof direct === 'number') return direct;
  const response = property(error, 'response');
  const places = [
    property(error, 'headers'),
    property(error, 'responseHeaders'),
    property(response, 'headers'),
  ];
  const value = places.map(headerValue).find((found) => found !== undefined);
  if (value === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value) * 1000;
  const dateMs = Date.parse(value);
  // A date that has passed means: now.
  return Number.isNaN(dateMs) ? undefined : Math.max(dateMs - nowMs, 0);
}

function headerValue(headers: unknown): string | undefined {
  const value =
    headers instanceof Headers
      ? headers.get('retry-after')
      : (property(headers, 'retry-after') ?? property(headers, 'Retry-After'));
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value : undefined;
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Record<string, unknown>)[name]; // any object may be asked for any name
}
