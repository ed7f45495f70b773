import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ErrorCode } from '../../src/base/errors.ts';
import { BridgeError, ERRORS } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { post, rawRequest, start } from './start.ts';

const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  code: z.string(),
  instance: z.string(),
});

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  const problem = problemSchema.parse(await response.json());
  expect(problem.status).toBe(response.status);
  expect(problem.type).toBe(`urn:mooring:error:${problem.code}`);
  return problem;
}

const PUMP = '/api/agents/pump/p1';

describe('problems', () => {
  const cases: [string, RequestInit, ErrorCode][] = [
    ['/api/nothing', {}, 'BRG_NOT_FOUND'],
    [PUMP, { method: 'POST' }, 'BRG_METHOD_NOT_ALLOWED'],
    ['/', { method: 'POST' }, 'BRG_METHOD_NOT_ALLOWED'],
    ['/api/agents/pump/nobody', {}, 'BRG_UNKNOWN_AGENT'],
    ['/api/agents/boat/b1', {}, 'BRG_UNKNOWN_MODEL'],
    ['/api/agents/no-model/all', { method: 'DELETE' }, 'BRG_UNKNOWN_MODEL'],
    ['/api/agents/PUMP/p1', {}, 'BRG_ADDRESS'],
    ['/api/agents/pump/a%2Fb', {}, 'BRG_ADDRESS'],
    [`/api/agents/pump/${'x'.repeat(129)}`, {}, 'BRG_ADDRESS'],
    ['/api/agents/pump/%zz', {}, 'BRG_BAD_REQUEST'],
    ['/api/agents?presence=maybe', {}, 'BRG_BAD_REQUEST'],
    ['/api/agents?limit=ten', {}, 'BRG_BAD_REQUEST'],
    [`${PUMP}/commands/vent?timeout=1week`, post('open'), 'BRG_BAD_REQUEST'],
    [`${PUMP}/commands/vent?timeout=1h`, post('open'), 'BRG_BAD_REQUEST'],
    [`${PUMP}/commands/a%20b`, post('open'), 'BRG_BAD_REQUEST'],
    [`${PUMP}/desired`, post([1], 'PATCH'), 'BRG_BAD_REQUEST'],
    [`${PUMP}/desired`, { method: 'PATCH' }, 'BRG_BAD_REQUEST'],
    [`${PUMP}/call/x`, post({ args: 1 }), 'BRG_BAD_REQUEST'],
    [`${PUMP}/rules`, post({ metric: 'rpm' }), 'BRG_BAD_REQUEST'],
    [`${PUMP}/rules`, { method: 'DELETE' }, 'BRG_BAD_REQUEST'],
    [`${PUMP}/commands/vent`, { method: 'POST', body: 'open' }, 'BRG_UNSUPPORTED_MEDIA'],
    ['/agents/fleet/all', {}, 'BRG_UPGRADE_REQUIRED'],
    ['/mqtt', {}, 'BRG_UPGRADE_REQUIRED'],
    ['/agents/toaster/t1', {}, 'BRG_UNKNOWN_MODEL'],
    ['/agents/pump', {}, 'BRG_NOT_FOUND'],
    ['/agents/pump/a%2Fb', {}, 'BRG_ADDRESS'],
    [
      '/agents/pump/p1/x',
      { method: 'POST', body: 'x'.repeat(limits.httpBodyBytesMax + 1) },
      'BRG_BODY_TOO_LARGE',
    ],
  ];
  it.each(cases)('%s %j is %s', async (path, init, code) => {
    const { url, runtime } = await start();
    const response = await fetch(url + path, init);
    expect(await problemOf(response)).toMatchObject({
      code,
      title: ERRORS[code].title,
      status: ERRORS[code].status,
    });
    expect(runtime.asked.length).toBe(code === 'BRG_UNKNOWN_AGENT' ? 1 : 0);
  });

  it('names what is wrong, where, in `errors`', async () => {
    const { url } = await start();
    const problem = await problemOf(await fetch(`${url}/api/agents?limit=0`));
    expect(problem['errors']).toEqual([expect.objectContaining({ in: 'query', pointer: '/limit' })]);
  });

  it('carries every code an agent may answer with, its status and its details', async () => {
    const { url, runtime } = await start();
    for (const [code, spec] of Object.entries(ERRORS)) {
      runtime.failure = new BridgeError(code as ErrorCode, 'said so', { details: { max: 80, status: 1 } }); // key of ERRORS
      const response = await fetch(url + PUMP);
      const problem = await problemOf(response);
      expect(problem).toMatchObject({ code, status: spec.status });
      expect(problem.detail === 'said so', code).toBe(spec.public);
      expect(problem['max'], code).toBe(spec.public ? 80 : undefined);
      expect(response.headers.has('retry-after'), code).toBe(spec.status === 503);
    }
  });

  it('hides what an unexpected error says', async () => {
    const { url, runtime } = await start();
    runtime.failure = new TypeError('secret of the house');
    const response = await fetch(url + PUMP);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain('BRG_INTERNAL');
    expect(text).not.toContain('secret');
  });

  it('tells which methods a path knows', async () => {
    const { url } = await start();
    const refused = await fetch(`${url}${PUMP}/rules`, { method: 'PUT' });
    expect(refused.status).toBe(405);
    expect(refused.headers.get('allow')).toBe('GET, POST, DELETE, HEAD, OPTIONS');
    const options = await fetch(url + PUMP, { method: 'OPTIONS' });
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, DELETE, HEAD, OPTIONS']);
  });

  it('answers HEAD like GET without a body', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/healthz`, { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(Number(response.headers.get('content-length'))).toBeGreaterThan(10);
    expect(await response.text()).toBe('');
  });
});

describe('bodies', () => {
  const headers = { 'content-type': 'application/json' };
  it.each([
    ['not JSON', '{"a":', 400],
    ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]), 400],
    [`nested deeper than ${limits.cborDepthMax}`, '['.repeat(limits.cborDepthMax + 1), 400],
    ['compressed', '"open"', 415, { 'content-encoding': 'gzip' }],
  ])('refuses a body that is %s', async (_what, body, status, more?: Record<string, string>) => {
    const { url, runtime } = await start();
    const answer = await rawRequest(url, `${PUMP}/commands/vent`, {
      method: 'POST',
      headers: { ...headers, ...more },
      body,
    });
    expect(answer.status).toBe(status);
    expect(runtime.asked).toEqual([]);
  });

  it('does not count brackets within strings as nesting', async () => {
    const { url } = await start();
    expect((await fetch(`${url}${PUMP}/commands/say`, post(`\\"${'['.repeat(100)}`))).status).toBe(200);
  });

  it('answers 413 to a body over the limit, declared or chunked', async () => {
    const { url, runtime } = await start();
    const body = Buffer.alloc(limits.httpBodyBytesMax + 1, 0x20);
    const declared = await rawRequest(url, `${PUMP}/commands/vent`, {
      method: 'POST',
      headers: { ...headers, 'content-length': String(body.length) },
      body,
    });
    const chunked = await rawRequest(url, `${PUMP}/commands/vent`, {
      method: 'POST',
      headers: { ...headers, 'transfer-encoding': 'chunked' },
      body,
    });
    expect([declared.status, chunked.status]).toEqual([413, 413]);
    expect(declared.body).toContain('BRG_BODY_TOO_LARGE');
    expect(runtime.asked).toEqual([]);
  });
});
