import { describe, expect, it } from 'vitest';
import { connect, post, rawRequest, refusedUpgrade, start } from './start.ts';

const TOKEN = 'correct horse';
const PUMP = '/api/agents/pump/p1';

describe('without an admin token', () => {
  it('refuses to serve more than this machine', async () => {
    await expect(start({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'BRG_CONFIG' });
  });

  it.each([
    'evil.example',
    'evil.example:8080',
    '192.168.1.5',
    'localhost.evil.example',
    '127.0.0.1@evil',
    'a/b',
  ])('refuses Host %s: a rebound DNS name', async (host) => {
    const { url, runtime } = await start();
    for (const path of ['/', '/metrics', PUMP]) {
      const answer = await rawRequest(url, path, { headers: { host } });
      expect(answer.status).toBe(403);
      expect(answer.body).toContain('BRG_FORBIDDEN');
    }
    expect(runtime.asked).toEqual([]);
  });

  it.each(['localhost', 'localhost:8080', 'LOCALHOST', '127.0.0.1', '[::1]:8080', 'mooring.localhost'])(
    'accepts Host %s',
    async (host) => {
      const { url } = await start();
      expect((await rawRequest(url, PUMP, { headers: { host } })).status).toBe(200);
    },
  );

  it.each(['http://evil.example', 'http://127.0.0.1:1', 'null', 'http://localhost'])(
    'refuses changes and WebSockets of a page from %s',
    async (origin) => {
      const { url, wsUrl, runtime } = await start();
      const changed = await fetch(`${url}${PUMP}/commands/vent`, {
        ...post('open'),
        headers: { 'content-type': 'application/json', origin },
      });
      expect(changed.status).toBe(403);
      const refused = await refusedUpgrade(`${wsUrl}/agents/pump/p1`, [], { origin });
      expect([refused.status, refused.problem['code']]).toEqual([403, 'BRG_FORBIDDEN']);
      expect((await refusedUpgrade(`${wsUrl}/mqtt`, [], { origin })).status).toBe(403);
      expect(runtime.asked).toEqual([]);
      expect(runtime.connections).toEqual([]);
    },
  );

  it('accepts changes and WebSockets of its own page', async () => {
    const { url, wsUrl } = await start();
    const changed = await fetch(`${url}${PUMP}`, { method: 'DELETE', headers: { origin: url } });
    expect(changed.status).toBe(200);
    await connect(`${wsUrl}/agents/pump/p1`, [], { origin: url });
  });

  it('refuses a WebSocket whose Host is a rebound name', async () => {
    const { wsUrl } = await start();
    const refused = await refusedUpgrade(`${wsUrl}/agents/pump/p1`, [], { host: 'evil.example' });
    expect(refused.status).toBe(403);
  });
});

describe('with an admin token', () => {
  it.each([PUMP, '/api/openapi.json', '/api/nothing', '/metrics', '/agents/pump/p1'])(
    'needs it for %s',
    async (path) => {
      const { url } = await start({ adminToken: TOKEN });
      const response = await fetch(url + path);
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe('Bearer');
      expect(await response.json()).toMatchObject({ code: 'BRG_UNAUTHORIZED' });
      const wrong = await fetch(url + path, { headers: { authorization: 'Bearer wrong' } });
      expect([wrong.status, wrong.headers.get('www-authenticate')]).toEqual([
        401,
        'Bearer error="invalid_token"',
      ]);
    },
  );

  it.each(['/', '/healthz', '/readyz'])('does not need it for %s', async (path) => {
    const { url } = await start({ adminToken: TOKEN });
    expect((await fetch(url + path)).status).not.toBe(401);
  });

  it('takes it as a bearer token or in the query, and answers to any Host', async () => {
    const adminToken = 'correct-horse';
    const { url } = await start({ adminToken });
    const host = 'bridge.example';
    const bearer = await rawRequest(url, PUMP, { headers: { host, authorization: `Bearer ${adminToken}` } });
    const query = await rawRequest(url, `${PUMP}?token=${adminToken}`, { headers: { host } });
    expect([bearer.status, query.status]).toEqual([200, 200]);
  });

  it('still refuses changes of a page from another origin', async () => {
    const { url } = await start({ adminToken: 'correct-horse' });
    const headers = { authorization: 'Bearer correct-horse', origin: 'http://evil.example' };
    expect((await fetch(url + PUMP, { method: 'DELETE', headers })).status).toBe(403);
  });

  it('lets a WebSocket in, tells its user, and keeps the token from the agent', async () => {
    const { wsUrl, runtime } = await start({ adminToken: TOKEN });
    expect((await refusedUpgrade(`${wsUrl}/agents/pump/p1`)).status).toBe(401);
    await connect(`${wsUrl}/agents/pump/p1?_pk=7&token=${encodeURIComponent(TOKEN)}`);
    expect(runtime.connections[0]?.details).toMatchObject({ user: 'admin', uri: '/agents/pump/p1?_pk=7' });
  });
});
