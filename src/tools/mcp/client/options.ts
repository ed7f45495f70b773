/** What is said about a server when it is added, checked before anything is done with it. */
import { BridgeError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import type { McpRetry, McpServerRow, McpTarget, McpTrust } from './server-row.ts';

/** A process that speaks MCP over its standard input and output. */
export interface McpStdioTarget {
  readonly command: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface AddServerOptions {
  /** Kept instead of a random one; `[A-Za-z0-9_-]{1,32}`. */
  readonly id?: string;
  /** Sent with every request, an API key for one. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Where its authorization server sends a person back to; without, a server that wants OAuth fails. */
  readonly callbackUrl?: string;
  /** Attempts to connect. Default 3, 500 ms, 5000 ms. */
  readonly retry?: Partial<McpRetry>;
  /** What a model may do with its tools by itself; default `none`. */
  readonly trust?: McpTrust;
}

/** A new row. @throws BridgeError BRG_MCP_OPTIONS, which names the option */
export function checkServer(
  id: string,
  name: string,
  target: string | URL | McpStdioTarget,
  options: AddServerOptions,
): McpServerRow {
  check(/^[A-Za-z0-9_-]{1,32}$/.test(id), 'id must be [A-Za-z0-9_-]{1,32}');
  check(name.length > 0 && name.length <= limits.mcpNameCharactersMax, 'name must have 1 to 128 characters');
  check(!/\p{C}/u.test(name), 'name must not have control characters');
  const { callbackUrl, trust = 'none' } = options;
  check(['none', 'read', 'full'].includes(trust), 'trust must be none, read or full');
  if (callbackUrl !== undefined) {
    const isSound =
      /^https?:\/\//.test(callbackUrl) && URL.canParse(callbackUrl) && !/[?#]/.test(callbackUrl);
    check(isSound, 'callbackUrl must be an http(s) URL without query and fragment');
  }
  return {
    ...{ id, name },
    target: checkTarget(target, options),
    retry: checkRetry(options.retry ?? {}),
    callbackUrl: callbackUrl ?? null,
    ...{ authUrl: null, catalogue: null, era: null, trust },
  };
}

function checkTarget(target: string | URL | McpStdioTarget, { headers = {} }: AddServerOptions): McpTarget {
  if (typeof target === 'string' || target instanceof URL) {
    const text = String(target);
    check(URL.canParse(text), 'url must be a URL');
    const url = new URL(text);
    check(url.protocol === 'http:' || url.protocol === 'https:', 'url must be http or https');
    check(url.username === '' && url.password === '', 'url must not have a password: send it as a header');
    url.hash = '';
    return { kind: 'http', url: url.href, headers: checkHeaders(headers) };
  }
  const { command, args = [], env = {} } = target;
  const texts = [command, ...args, ...Object.keys(env), ...Object.values(env)];
  check(
    command !== '' && texts.every((text) => typeof text === 'string'),
    'command, args and env must be text',
  );
  check(!texts.some((text) => text.includes('\0')), 'command, args and env must not have NUL');
  return { kind: 'stdio', command, args: [...args], env: { ...env } };
}

function checkHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  try {
    return Object.fromEntries(new Headers(headers)); // throws for what no header may be
  } catch (cause) {
    throw new BridgeError('BRG_MCP_OPTIONS', 'headers must be a record of valid HTTP headers', { cause });
  }
}

/** As `retry` of schedules: the same ranges, the same words. */
function checkRetry(retry: Partial<McpRetry>): McpRetry {
  const {
    maxAttempts = limits.mcpAttempts,
    baseDelayMs = limits.mcpRetryBaseMs,
    maxDelayMs = limits.mcpRetryMaxMs,
  } = retry;
  check(Number.isFinite(maxAttempts) && maxAttempts >= 1, 'retry.maxAttempts must be >= 1');
  check(Number.isInteger(maxAttempts), 'retry.maxAttempts must be an integer');
  check(maxAttempts <= limits.mcpAttemptsMax, `retry.maxAttempts must be <= ${limits.mcpAttemptsMax}`);
  check(Number.isFinite(baseDelayMs) && baseDelayMs > 0, 'retry.baseDelayMs must be > 0');
  check(Number.isFinite(maxDelayMs) && maxDelayMs > 0, 'retry.maxDelayMs must be > 0');
  check(baseDelayMs <= maxDelayMs, 'retry.baseDelayMs must be <= retry.maxDelayMs');
  check(maxDelayMs <= limits.mcpRetryCeilingMs, `retry.maxDelayMs must be <= ${limits.mcpRetryCeilingMs}`);
  return { maxAttempts, baseDelayMs, maxDelayMs };
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new BridgeError('BRG_MCP_OPTIONS', what);
}
