/**
 * The bridge's HTTP API as the page calls it. Paths are relative to the page, so it also works behind a
 * reverse proxy's prefix. Failures are `Problem`s with what RFC 9457 problem details say.
 */
const TOKEN_KEY = 'mooring.token';
const REQUEST_TIMEOUT_MS = 30_000;

/** A failed request: title, detail and the stable code of docs/errors.md. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly code: string;
  /** All members of the document: what a code brings with it, such as `examples`. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    title: string,
    detail: string,
    code: string,
    members: Readonly<Record<string, unknown>> = {},
  ) {
    super(detail || title);
    this.name = 'Problem';
    this.status = status;
    this.title = title;
    this.detail = detail;
    this.code = code;
    this.members = members;
  }
}

/** Any failure as a Problem, for showing. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new Problem(0, 'No answer in time', 'The bridge did not answer within 30 seconds.', 'TIMEOUT');
  }
  const detail = error instanceof TypeError ? 'Is it running?' : String(error);
  return new Problem(0, 'The bridge cannot be reached', detail, 'UNREACHABLE');
}

export function agentPath(model: string, id: string, rest = ''): string {
  return `api/agents/${encodeURIComponent(model)}/${encodeURIComponent(id)}${rest}`;
}

/** GET as JSON. `T` is trusted: the answer comes from the server that served this page. */
export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return request<T>('GET', path, undefined, signal);
}

/** POST, PATCH or DELETE with a JSON body; undefined sends none. */
export async function sendJson<T>(
  method: 'POST' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  return request<T>(method, path, body, signal);
}

async function request<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' };
  const token = readToken();
  if (token !== null) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) {
    headers['content-type'] = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  }
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const response = await fetch(new URL(path, document.baseURI), {
    method,
    headers,
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw await problemOf(response);
  const text = await response.text();
  // as: see getJson; a DELETE may answer nothing.
  return (text === '' ? {} : JSON.parse(text)) as T;
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback = `${response.status} ${response.statusText}`.trim();
  try {
    // as: any JSON object has optional members of unknown type.
    const body = (await response.json()) as { title?: unknown; detail?: unknown; code?: unknown } & Record<
      string,
      unknown
    >;
    return new Problem(
      response.status,
      typeof body.title === 'string' ? body.title : fallback,
      typeof body.detail === 'string' ? body.detail : '',
      typeof body.code === 'string' ? body.code : `HTTP_${response.status}`,
      body,
    );
  } catch {
    return new Problem(response.status, fallback, '', `HTTP_${response.status}`);
  }
}

/** The token that signs this tab in, if one was needed. */
export function readToken(): string | null {
  return sessionStorage.getItem(TOKEN_KEY);
}

export function writeToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}

export function clearToken(): void {
  sessionStorage.removeItem(TOKEN_KEY);
}
