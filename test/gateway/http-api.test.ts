import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { limits } from '../../src/base/limits.ts';
import { routes } from '../../src/gateway/routes.ts';
import { post, start } from './start.ts';

const PUMP = '/api/agents/pump/p1';
const address = { model: 'pump', id: 'p1' };
const durable = { durable: true };
const creating = { durable: true, create: true };

describe('routes to requests', () => {
  const command = { waitMs: limits.commandWaitMs, ttlMs: limits.commandTtlMs, by: 'api' };
  const cases: [string, RequestInit, unknown, string, unknown, unknown?][] = [
    [PUMP, {}, address, 'describe', {}],
    [PUMP, { method: 'DELETE' }, address, 'forget', { by: 'api' }, durable],
    [`${PUMP}/telemetry/count`, {}, address, 'count', {}],
    [`${PUMP}/rejected?limit=5`, {}, address, 'rejected', { limit: 5 }],
    [`${PUMP}/alerts`, {}, address, 'alerts', { limit: limits.alertsPerAgentMax }],
    [`${PUMP}/commands?limit=1`, {}, address, 'commands', { limit: 1 }],
    [
      `${PUMP}/desired`,
      post({ a: null }, 'PATCH'),
      address,
      'patchDesired',
      { patch: { a: null }, by: 'api' },
      durable,
    ],
    [
      `${PUMP}/commands/vent?timeout=2s&ttl=1h`,
      post('open'),
      address,
      'command',
      { name: 'vent', args: 'open', waitMs: 2000, ttlMs: 3_600_000, by: 'api' },
      { durable: true, timeoutMs: 2000 + limits.requestTimeoutMs },
    ],
    [
      `${PUMP}/commands/stop`,
      { method: 'POST' },
      address,
      'command',
      { name: 'stop', args: null, ...command },
    ],
    [`${PUMP}/commands/set`, post(21.5), address, 'command', { name: 'set', args: 21.5, ...command }],
    [`${PUMP}/commands/set`, post(false), address, 'command', { name: 'set', args: false, ...command }],
    [
      `${PUMP}/call/calibrate`,
      post({ args: [1] }),
      address,
      'call',
      { method: 'calibrate', args: [1], by: 'api' },
      creating,
    ],
    [
      `${PUMP}/call/reset`,
      { method: 'POST' },
      address,
      'call',
      { method: 'reset', args: [], by: 'api' },
      creating,
    ],
    [`${PUMP}/rules`, {}, address, 'rules', {}],
    [
      `${PUMP}/rules`,
      post({ rule: { when: {} } }),
      address,
      'addRule',
      { rule: { when: {} }, by: 'api' },
      durable,
    ],
    [
      `${PUMP}/rules`,
      post({ when: { metric: 'rpm' }, do: 'alert' }),
      address,
      'addRule',
      { rule: { when: { metric: 'rpm' }, do: 'alert' }, by: 'api' },
      durable,
    ],
    [`${PUMP}/rules/r1`, { method: 'DELETE' }, address, 'deleteRule', { ruleId: 'r1', by: 'api' }, durable],
    [
      `${PUMP}/rules?id=r1`,
      { method: 'DELETE' },
      address,
      'deleteRule',
      { ruleId: 'r1', by: 'api' },
      durable,
    ],
    [
      '/api/agents?model=pump&q=p&presence=online&limit=2&cursor=c',
      {},
      null,
      'list',
      { model: 'pump', q: 'p', presence: 'online', limit: 2, cursor: 'c' },
    ],
    [
      '/api/agents',
      {},
      null,
      'list',
      { model: null, q: null, presence: null, limit: limits.listAgentsDefault, cursor: null },
    ],
    ['/api/attention', {}, null, 'attention', { limit: limits.listAgentsDefault }],
    ['/api/stats', {}, null, 'stats', {}],
    ['/api/approvals?limit=5', {}, null, 'approvals', { status: null, limit: 5, cursor: null }],
    [`${PUMP}/approvals`, {}, address, 'approvals', { status: null, limit: limits.approvalListDefault }],
    [
      `${PUMP}/approvals/a.1`,
      post({ approved: true, by: ' Anna ' }),
      address,
      'decideApproval',
      { approvalId: 'a.1', approved: true, person: 'Anna', by: 'api' },
      durable,
    ],
    [
      '/api/audit?agent=pump/p1&kind=command&from=1000&to=2000&limit=5&cursor=c',
      {},
      null,
      'audit',
      { agent: 'pump/p1', kind: 'command', fromMs: 1000, toMs: 2000, limit: 5, cursor: 'c' },
    ],
  ];

  it.each(cases)('%s %j asks %j %s', async (path, init, askedAddress, name, body, options) => {
    const { url, runtime } = await start();
    const response = await fetch(url + path, init);
    expect(response.ok).toBe(true);
    expect(await response.json()).toEqual({ address: askedAddress, name, body });
    expect(runtime.asked).toHaveLength(1);
    expect(runtime.asked[0]).toMatchObject({ address: askedAddress, name, body });
    if (options !== undefined) expect(runtime.asked[0]?.options).toEqual(options);
  });

  it('decodes a percent-encoded id', async () => {
    const { url, runtime } = await start();
    expect((await fetch(`${url}/api/agents/pump/a%3Ab`)).status).toBe(200);
    expect(runtime.asked[0]?.address).toEqual({ model: 'pump', id: 'a:b' });
  });

  it('answers 201 with the rule as the engine understood it', async () => {
    const { url } = await start();
    expect((await fetch(`${url}${PUMP}/rules`, post({ rule: { when: {} } }))).status).toBe(201);
  });

  it('accepts a merge patch by its own media type', async () => {
    const { url } = await start();
    const headers = { 'content-type': 'application/merge-patch+json; charset=utf-8' };
    const response = await fetch(`${url}${PUMP}/desired`, { method: 'PATCH', headers, body: '{"a":1}' });
    expect(response.status).toBe(200);
  });
});

describe('telemetry query', () => {
  const nowMs = Date.UTC(2026, 0, 2);
  const clock = { now: () => nowMs, after: () => () => {} };
  it.each([
    ['', { metric: null, fromMs: nowMs - 86_400_000, toMs: nowMs, points: limits.historyPointsDefault }],
    ['?metric=rpm&points=10', { metric: 'rpm', points: 10 }],
    ['?from=1000&to=2000', { fromMs: 1000, toMs: 2000 }],
    ['?from=2026-01-01T00:00:00Z&to=now', { fromMs: Date.UTC(2026, 0, 1), toMs: nowMs }],
    ['?from=-1h&to=-30m', { fromMs: nowMs - 3_600_000, toMs: nowMs - 1_800_000 }],
    ['?from=-7d', { fromMs: nowMs - 7 * 86_400_000 }],
  ])('%s', async (query, expected) => {
    const { url, runtime } = await start({ clock });
    expect((await fetch(`${url}${PUMP}/telemetry${query}`)).status).toBe(200);
    expect(runtime.asked[0]?.body).toMatchObject(expected);
  });

  it.each([
    '?from=yesterday',
    '?from=2000&to=1000',
    '?points=0',
    '?points=1e9',
    '?since=1',
    '?from=1&from=2',
  ])('answers 400 to %s and asks nothing', async (query) => {
    const { url, runtime } = await start({ clock });
    expect((await fetch(`${url}${PUMP}/telemetry${query}`)).status).toBe(400);
    expect(runtime.asked).toEqual([]);
  });
});

describe('audit query', () => {
  it('asks for all rows up to now by default', async () => {
    const { url, runtime } = await start({ clock: { now: () => 5000, after: () => () => {} } });
    expect((await fetch(`${url}/api/audit`)).status).toBe(200);
    const body = {
      agent: null,
      kind: null,
      fromMs: 0,
      toMs: 5000,
      limit: limits.auditListDefault,
      cursor: null,
    };
    expect(runtime.asked[0]).toMatchObject({ address: null, name: 'audit', body });
  });

  it.each(['?agent=pump', '?kind=telemetry', '?from=2&to=1', '?limit=0', '?by=api'])(
    'answers 400 to %s and asks nothing',
    async (query) => {
      const { url, runtime } = await start();
      expect((await fetch(`${url}/api/audit${query}`)).status).toBe(400);
      expect(runtime.asked).toEqual([]);
    },
  );

  it('says who asks: the user of the token', async () => {
    const adminToken = 'a-token-of-some-length';
    const { url, runtime } = await start({ adminToken });
    const headers = { authorization: `Bearer ${adminToken}` };
    expect((await fetch(`${url}${PUMP}/commands/stop`, { method: 'POST', headers })).status).toBe(200);
    expect(runtime.asked[0]?.body).toMatchObject({ name: 'stop', by: 'api:admin' });
  });
});

describe('the bridge itself', () => {
  it('is alive, and ready only when the runtime is', async () => {
    const { url, runtime } = await start();
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: 'ok', version: '1.2.3' });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    runtime.now = { kind: 'replaying', applied: 1, total: 4 };
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: 'replaying', applied: 1, total: 4, percent: 25 });
    for (const kind of ['starting', 'stopping'] as const) {
      runtime.now = { kind };
      expect((await fetch(`${url}/readyz`)).status).toBe(503);
    }
    runtime.now = { kind: 'disk-full', sinceMs: 5 };
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ status: 'disk-full', sinceMs: 5 });
  });

  it('renders metrics and models', async () => {
    const { url } = await start();
    const metrics = await fetch(`${url}/metrics`);
    expect([metrics.headers.get('content-type'), await metrics.text()]).toEqual([
      'text/plain; version=0.0.4',
      'up 1\n',
    ]);
    expect(await (await fetch(`${url}/api/models`)).json()).toEqual([
      { model: 'pump' },
      { model: 'greenhouse' },
    ]);
  });

  it('sends security headers with every answer', async () => {
    const { url } = await start();
    for (const path of ['/', '/api/models', '/api/nothing']) {
      const { headers } = await fetch(url + path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    }
  });
});

describe('the OpenAPI document', () => {
  it('lists every route of the table, and no other', async () => {
    const { url } = await start();
    const document = z
      .looseObject({
        openapi: z.literal('3.1.0'),
        paths: z.record(z.string(), z.record(z.string(), z.looseObject({}))),
      })
      .parse(await (await fetch(`${url}/api/openapi.json`)).json());
    const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(listed.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort());
    const operations = routes.map(({ operation }) => operation);
    expect(new Set(operations).size).toBe(operations.length);
  });

  it('describes parameters from the schemas that check them', async () => {
    const { url } = await start();
    const text = await (await fetch(`${url}/api/openapi.json`)).text();
    const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, unknown>> }; // checked above
    expect(paths['/api/agents/{model}/{id}/commands/{name}']?.['post']).toMatchObject({
      parameters: [
        { name: 'model', in: 'path', required: true },
        { name: 'id', in: 'path', required: true },
        { name: 'name', in: 'path', required: true },
        { name: 'timeout', in: 'query', required: false, schema: { type: 'string', default: '10000' } },
        { name: 'ttl', in: 'query' },
      ],
      requestBody: { required: false },
    });
    expect(paths['/api/agents/{model}/{id}/desired']?.['patch']).toMatchObject({
      requestBody: {
        required: true,
        content: { 'application/merge-patch+json': {}, 'application/json': {} },
      },
    });
    expect(text).not.toContain('$schema');
  });
});
