/** Who asked for which command of an agent, and how it ended, on a real bridge. */
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDir, type TestBridge } from '../support/bridge.ts';
import { call, device, start } from '../support/observed-bridge.ts';
import { until } from '../support/until.ts';

async function audit(bridge: TestBridge, query = ''): Promise<Record<string, unknown>[]> {
  const { status, body } = await bridge.fetch(`/api/audit?${query}`);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body['items'] as Record<string, unknown>[]; // the route's schema
}

test('every command has a row for who asked and one for how it ended, also after its agent is gone', async () => {
  const dataDir = temporaryDir();
  let bridge = await start({ dataDir });
  const publish = await device(bridge, 'c');
  await publish({ x: 1, note: 'ping' }); // its own code
  const ended = (count: number): Promise<unknown> =>
    until(async () => (await audit(bridge)).filter(({ event }) => event === 'failed').length === count);
  await ended(1);
  await bridge.fetch('/api/agents/observed/c/commands/set?timeout=5s', { body: 42 });
  await call(bridge, 'c', 'ping');
  await publish({ x: 500 }); // the rule
  await ended(4);
  await call(bridge, 'c', 'work'); // a job
  const socket = await bridge.socket('observed/c');
  socket.send({ type: 'rpc', id: '1', method: 'ping', args: [] });
  await ended(6);
  await call(bridge, 'other', 'add', 1, 1);
  const caller = await bridge.socket('observed/caller');
  await caller.frame('cf_agent_identity');
  expect((await call(bridge, 'caller', 'forward', 'c')).status).toBe(200);
  await ended(7);
  const sleeper = await bridge.socket('observed/sleeper');
  await sleeper.frame('cf_agent_identity');
  await bridge.fetch('/api/agents/observed/sleeper/commands/ping?timeout=0&ttl=1ms', { method: 'POST' });
  await until(async () => (await audit(bridge, 'agent=observed/sleeper')).length === 2);
  await bridge.fetch('/api/agents/observed/sleeper/commands/ping?timeout=0', { method: 'POST' });
  await bridge.fetch('/api/agents/observed/sleeper', { method: 'DELETE' });

  const rows = (await audit(bridge, 'agent=observed/c')).reverse();
  const by = rows
    .filter(({ event }) => event === 'created')
    .map((row) => String(row['by']).replace(/\d+/, 'n'));
  expect(by.sort()).toEqual([
    'agent',
    'agent:observed/caller',
    'api',
    'api',
    'connection:n',
    'job:ping',
    'rule:hot',
  ]);
  const set = rows.filter(({ subject }) => String(subject).startsWith('set/'));
  expect(set).toMatchObject([
    { event: 'created', by: 'api', kind: 'command', agent: 'observed/c', detail: { args: 42 } },
    { event: 'failed', by: 'device', subject: set[0]?.['subject'], detail: { error: 'stuck' } },
  ]);
  const sleepers = (await audit(bridge, 'agent=observed/sleeper')).map(({ event, by }) => `${event} ${by}`);
  expect(sleepers.sort()).toEqual([
    'created api',
    'created api',
    'destroyed api',
    'dropped api',
    'expired bridge',
  ]);
  const before = await audit(bridge);
  await bridge.stop();
  bridge = await start({ dataDir });
  expect(await audit(bridge)).toEqual(before);
  expect((await audit(bridge, 'kind=agent')).map(({ subject }) => subject)).toEqual(['observed/sleeper']);
});

test('pages of the audit log meet every row once', async () => {
  const bridge = await start();
  const socket = await bridge.socket('observed/p');
  await socket.frame('cf_agent_identity');
  for (let n = 0; n < 7; n++) await call(bridge, 'p', 'ping');
  const seen: unknown[] = [];
  for (let cursor: unknown = ''; cursor !== null;) {
    const { body } = await bridge.fetch(
      `/api/audit?limit=3${cursor === '' ? '' : `&cursor=${String(cursor)}`}`,
    );
    seen.push(...(body['items'] as { id: string }[]).map(({ id }) => id)); // the route's schema
    cursor = body['cursor'];
  }
  expect(seen).toEqual((await audit(bridge)).map(({ id }) => id));
  expect(new Set(seen).size).toBe(7);
  expect((await bridge.fetch('/api/audit?cursor=nonsense')).body).toMatchObject({ code: 'BRG_BAD_REQUEST' });
});

test('a replay after a power loss writes the very rows again that were written before', async () => {
  const dataDir = temporaryDir();
  const first = await start({ dataDir });
  await (
    await device(first, 'r')
  )({ x: 1 });
  await first.stop();
  const lost = temporaryDir();
  cpSync(dataDir, lost, { recursive: true });
  const second = await start({ dataDir });
  await call(second, 'r', 'ping');
  await second.fetch('/api/agents/observed/r/commands/set?timeout=0', { body: 7 });
  const before = await audit(second);
  // shard.db as it was, and the journal, which is on disk with every answer.
  for (const name of readdirSync(dataDir).filter((file) => file.startsWith('journal.db'))) {
    cpSync(join(dataDir, name), join(lost, name));
  }
  const replayed = await start({ dataDir: lost });
  const rows = await until(async () => {
    const found = await audit(replayed);
    return found.length === before.length ? found : undefined;
  });
  const facts = (row: Record<string, unknown>): unknown[] => [
    row['id'],
    row['event'],
    row['subject'],
    row['by'],
  ];
  expect(rows.map(facts).sort()).toEqual(before.map(facts).sort());
  expect(before).toHaveLength(2);
});
