/** Approvals of real agents over HTTP: through restarts and sleep, over the whole fleet. */
import { expect, test } from 'vitest';
import { temporaryDir, type TestBridge } from '../../support/bridge.ts';
import { start } from '../device-tools/live.ts';

type Item = Readonly<Record<string, unknown>>;

async function ask(bridge: TestBridge, agent: string, needed = 1): Promise<string> {
  const args = ['send_command', { command: 'move', value: 60 }, needed];
  const answer = await bridge.fetch(`/api/agents/${agent}/call/question`, { body: { args } });
  return String(answer.body['value']);
}

const decide = (bridge: TestBridge, agent: string, id: string, body: object) =>
  bridge.fetch(`/api/agents/${agent}/approvals/${id}`, { body });

async function items(bridge: TestBridge, path: string): Promise<readonly Item[]> {
  return (await bridge.fetch(path)).body['items'] as Item[]; // the route's schema
}

test('it waits through hibernation and a restart, shows in the list of the fleet without a wake, and is decided once', async () => {
  const dataDir = temporaryDir();
  const first = await start(dataDir, 1);
  const light = await ask(first, 'valve/v1');
  await first.fetch('/api/agents/valve/heavy/call/grow', { body: { args: [] } });
  const heavy = await ask(first, 'valve/heavy', 2);
  expect(await first.fetch('/api/agents/valve/heavy/hibernate', { method: 'POST' })).toMatchObject({
    body: { hibernated: true },
  });
  await first.stop();

  const second = await start(dataDir, 1);
  expect(await items(second, '/api/approvals?status=pending')).toMatchObject([
    { agent: 'valve/heavy', id: heavy, needed: 2, tool: 'send_command', origin: { kind: 'tool' } },
    { agent: 'valve/v1', id: light, arguments: { command: 'move', value: 60 }, votes: [] },
  ]);
  const { body: stats } = await second.fetch('/api/stats');
  expect(stats['awake']).toBe(0);
  const { body: page } = await second.fetch('/api/approvals?limit=1');
  expect(page['items']).toMatchObject([{ id: heavy }]);
  expect(await items(second, `/api/approvals?limit=1&cursor=${String(page['cursor'])}`)).toMatchObject([
    { id: light },
  ]);

  const words = [
    { approved: true, by: 'Anna' },
    { approved: false, by: 'Bert', reason: 'no' },
  ];
  const answers = await Promise.all(words.map((word) => decide(second, 'valve/v1', light, word)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  const [winner] = await items(second, '/api/agents/valve/v1/approvals');
  expect(winner?.['votes']).toHaveLength(1);
  expect(answers.find(({ status }) => status === 200)?.body).toEqual(winner);

  expect(await decide(second, 'valve/heavy', heavy, { approved: true, by: 'Anna' })).toMatchObject({
    body: { status: 'pending', votes: [{ by: 'Anna', via: 'api' }] },
  });
  expect(await decide(second, 'valve/heavy', heavy, { approved: true, by: 'anna' })).toMatchObject({
    status: 409,
    body: { code: 'BRG_APPROVAL_SAME_PERSON' },
  });
  expect(await decide(second, 'valve/heavy', heavy, { approved: true, by: 'Bert' })).toMatchObject({
    body: { status: 'approved' },
  });
  expect(await items(second, '/api/approvals?status=pending')).toEqual([]);
  const audit = await items(second, '/api/audit?agent=valve/heavy&kind=approval');
  expect(audit.map(({ event, by }) => [event, by]).reverse()).toEqual([
    ['requested', 'test'],
    ['voted', 'api'],
    ['approved', 'api'],
  ]);
});

test('who decides has to be named, and what is not there cannot be decided; a forgotten agent has no approvals', async () => {
  const bridge = await start();
  const id = await ask(bridge, 'valve/v1');
  for (const body of [
    { approved: true },
    { approved: true, by: ' ' },
    { approved: 1, by: 'a' },
    { by: 'a' },
  ]) {
    expect(await decide(bridge, 'valve/v1', id, body)).toMatchObject({
      status: 400,
      body: { code: 'BRG_BAD_REQUEST' },
    });
  }
  for (const by of ['a\u202eb', 'a\nb', 'x'.repeat(65)]) {
    expect(await decide(bridge, 'valve/v1', id, { approved: true, by })).toMatchObject({ status: 400 });
  }
  expect(await decide(bridge, 'valve/v1', 'other', { approved: true, by: 'a' })).toMatchObject({
    status: 404,
    body: { code: 'BRG_UNKNOWN_APPROVAL' },
  });
  expect(await items(bridge, '/api/approvals?status=pending')).toMatchObject([{ id, votes: [] }]);
  await bridge.fetch('/api/agents/valve/v1', { method: 'DELETE' });
  expect(await items(bridge, '/api/approvals')).toEqual([]);
  const rows = await items(bridge, '/api/audit?agent=valve/v1&kind=approval');
  expect(rows.map(({ event }) => event)).toEqual(['cancelled', 'requested']);
});

test('clients of the agent hear of a decision, whoever made it, by a frame', async () => {
  const bridge = await start();
  const id = await ask(bridge, 'valve/v1');
  const socket = await bridge.socket('valve/v1');
  await decide(bridge, 'valve/v1', id, { approved: false, by: 'Anna', reason: 'too cold' });
  const { approval } = await socket.frame('mooring_approval');
  expect(approval).toMatchObject({ id, status: 'denied', votes: [{ by: 'Anna', reason: 'too cold' }] });
});
