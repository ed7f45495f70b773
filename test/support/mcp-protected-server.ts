/** An MCP server behind OAuth, and its authorization server, for tests. */
import { createHash } from 'node:crypto';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { serve, type HttpFixture } from './mcp-http-server.ts';
import { toolServer } from './mcp-tools.ts';

/** A server that wants a token, and its authorization server, which gives one for a code with the right verifier. */
export async function protectedServer(authorizeUrl?: string): Promise<HttpFixture> {
  const handler = createMcpHandler(({ era }) => toolServer(era));
  const challenges = new Map<string, string>();
  const fixture: HttpFixture = await serve(async (request) => {
    const url = new URL(request.url);
    const origin = url.origin;
    switch (url.pathname) {
      case '/.well-known/oauth-protected-resource/mcp':
      case '/.well-known/oauth-protected-resource':
        return Response.json({ resource: `${origin}/mcp`, authorization_servers: [origin] });
      case '/.well-known/oauth-authorization-server':
        return Response.json({
          issuer: origin,
          authorization_endpoint: authorizeUrl ?? `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          registration_endpoint: `${origin}/register`,
          response_types_supported: ['code'],
          code_challenge_methods_supported: ['S256'],
          token_endpoint_auth_methods_supported: ['none'],
        });
      case '/register':
        return Response.json(
          { ...((await request.json()) as object), client_id: 'client-1' },
          { status: 201 },
        );
      case '/authorize': {
        const code = `code-${challenges.size}`;
        challenges.set(code, url.searchParams.get('code_challenge') ?? '');
        return Response.json({ code });
      }
      case '/token': {
        const form = new URLSearchParams(await request.text());
        const challenge = challenges.get(form.get('code') ?? '');
        const proof = createHash('sha256')
          .update(form.get('code_verifier') ?? '')
          .digest('base64url');
        if (challenge !== proof) return Response.json({ error: 'invalid_grant' }, { status: 400 });
        return Response.json({ access_token: 'the-token', token_type: 'Bearer', refresh_token: 'refresh' });
      }
      default: {
        if (request.headers.get('authorization') === 'Bearer the-token') return handler.fetch(request);
        const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
        const headers = { 'www-authenticate': `Bearer resource_metadata="${metadata}"` };
        return new Response(null, { status: 401, headers });
      }
    }
  });
  return fixture;
}
