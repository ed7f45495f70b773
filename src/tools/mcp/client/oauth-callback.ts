/**
 * Where an authorization server sends a person back to. Everything in the request is a stranger's word: nothing of it
 * is shown unescaped, and a code counts only with a state that was given out for this path and not used before.
 */
import { auth } from '@modelcontextprotocol/client';
import type { Clock } from '../../../base/clock.ts';
import { limits } from '../../../base/limits.ts';
import { cleanText } from './catalogue.ts';
import type { Fetch } from './guarded-fetch.ts';
import { useState, type StoredOAuthProvider } from './oauth-provider.ts';
import type { McpServerRow, McpStorage } from './server-row.ts';

export interface CallbackContext {
  readonly storage: McpStorage;
  readonly clock: Clock;
  /** Where the page of success leads; null: a page of our own. */
  readonly successUrl: string | null;
  /** The provider and the guarded fetch of this server. */
  providerOf(row: McpServerRow): { provider: StoredOAuthProvider; fetch: Fetch } | null;
  onAuthorized(row: McpServerRow): void;
  onRefused(row: McpServerRow, reason: string): void;
}

/** The page for the person; null when the request is for no callback of these servers. Never rejects. */
export async function handleOAuthCallback(
  context: CallbackContext,
  request: Request,
): Promise<Response | null> {
  const url = new URL(request.url);
  const rows = context.storage.servers().filter(({ callbackUrl }) => pathOf(callbackUrl) === url.pathname);
  if (rows.length === 0) return null;
  if (request.method !== 'GET') return page(405, 'This address is for the browser', 'It takes GET only.');
  const given = url.searchParams.get('state') ?? '';
  const found = rows
    .map((row) => {
      const use = { given, path: url.pathname, nowMs: context.clock.now() };
      return { row, state: useState(context.storage, row.id, use) };
    })
    .find(({ state }) => state !== 'other');
  if (found === undefined) {
    return page(
      400,
      'This authorization is not known',
      'It was finished before, or was not begun here. Begin again.',
    );
  }
  if (found.state === 'expired') return page(400, 'This authorization took too long', 'Begin again.');
  return finish(context, found.row, url);
}

async function finish(context: CallbackContext, row: McpServerRow, url: URL): Promise<Response> {
  const error = url.searchParams.get('error');
  const code = url.searchParams.get('code');
  if (error !== null || code === null) {
    const said = url.searchParams.get('error_description') ?? error ?? 'there was no code in the answer';
    const reason = cleanText(said, limits.mcpErrorCharactersMax);
    context.onRefused(row, reason);
    return page(400, `${row.name} was not authorized`, reason);
  }
  const access = row.target.kind === 'http' ? context.providerOf(row) : null;
  if (access === null || row.target.kind !== 'http')
    return page(400, 'This server is not authorized with OAuth', '');
  const iss = url.searchParams.get('iss');
  try {
    await auth(access.provider, {
      serverUrl: row.target.url,
      authorizationCode: code,
      ...(iss === null ? {} : { iss }),
      fetchFn: access.fetch,
    });
  } catch (failure) {
    const reason = cleanText(
      failure instanceof Error ? failure.message : 'failed',
      limits.mcpErrorCharactersMax,
    );
    context.onRefused(row, reason);
    return page(502, `${row.name} was not authorized`, reason);
  }
  context.onAuthorized(row);
  if (context.successUrl !== null) {
    return new Response(null, { status: 303, headers: { location: context.successUrl, ...SAFE_HEADERS } });
  }
  return page(200, `${row.name} is authorized`, 'You can close this page.');
}

function pathOf(url: string | null): string | null {
  return url === null ? null : new URL(url).pathname;
}

/** The URL of the page has a code in it: it must not leave by a referrer or a cache. */
const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

function page(status: number, title: string, text: string): Response {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title><h1>${escaped(title)}</h1><p>${escaped(text)}</p></html>\n`;
  return new Response(html, {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8', ...SAFE_HEADERS },
  });
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
