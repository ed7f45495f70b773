import { expect, it } from 'vitest';
import { RequestRates } from '../../src/gateway/request-rates.ts';
import { start } from './start.ts';

it('lets a burst pass, then so many a second, each caller for itself', () => {
  let nowMs = 0;
  const rates = new RequestRates({ now: () => nowMs, perSecond: 8, burst: 3 });
  expect([rates.take('a'), rates.take('a'), rates.take('a')]).toEqual([0, 0, 0]);
  expect(rates.take('a')).toBe(125);
  expect(rates.take('b')).toBe(0);
  nowMs = 124;
  expect(rates.take('a')).toBe(1);
  nowMs = 125;
  expect([rates.take('a'), rates.take('a')]).toEqual([0, 125]);
  nowMs = 3_600_000;
  expect([1, 2, 3, 4].map(() => rates.take('a') === 0)).toEqual([true, true, true, false]);
});

it('answers 429 with Retry-After to a token that asks too often, and still answers others', async () => {
  const rates = new RequestRates({ now: () => 0, perSecond: 0.5, burst: 2 });
  const { url } = await start({ adminToken: 'an-admin-token', readToken: 'a-read-token', rates });
  const ask = (token: string) =>
    fetch(`${url}/api/models`, { headers: { authorization: `Bearer ${token}` } });
  expect([(await ask('an-admin-token')).status, (await ask('an-admin-token')).status]).toEqual([200, 200]);
  const refused = await ask('an-admin-token');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2']);
  expect(await refused.json()).toMatchObject({ code: 'BRG_RATE', retryAfterSeconds: 2 });
  expect((await ask('a-read-token')).status).toBe(200);
});
