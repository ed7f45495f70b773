/** Programs of a model: with a scripted model, a real device over MQTT, real sandboxes, and people over HTTP. */
import { expect, test } from 'vitest';
import { startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { until } from '../support/until.ts';
import {
  approvalsOf,
  decide,
  device,
  devices,
  gateBridge,
  hasHeard,
  lastParts,
  pending,
  say,
  toolPart,
  type Item,
} from './approvals/gate.ts';

const program = (code: string): string => `call run_program ${JSON.stringify({ code })}`;
const outputOf = async (bridge: TestBridge): Promise<Item> =>
  toolPart(await lastParts(bridge, hasHeard))?.['output'] as Item; // of a call that ended

const MOVES = `
  const before: unknown = (await env.device.read_state({}) as any).values?.position;
  const small = await env.device.send_command({ command: 'move', value: 20 });
  const far = await env.device.send_command({ command: 'move', value: 90 });
  console.log('moved');
  return { small: small.outcome, far: far.outcome };`;

test('a program reads, moves what the policy allows, and only its value and its log are told', async () => {
  const bridge = await gateBridge();
  const heard = await device(await bridge.mqtt());
  await say(
    bridge,
    program(`const { outcome } = await env.device.send_command({ command: 'move', value: 20 });
      console.warn('as far as allowed');
      return [outcome, Math.random() < 1];`),
  );
  expect(await outputOf(bridge)).toEqual({
    outcome: 'done',
    value: ['done', true],
    logs: ['warn: as far as allowed'],
  });
  expect(heard).toEqual(['move 20']);
  const { runs, chain } = (await bridge.agent('gate/g1/programs')) as { runs: { body: Item }[]; chain: Item };
  expect(chain).toEqual({ kept: 1, count: 1, isSound: true });
  expect(runs[0]?.body).toMatchObject({ user: 'chat', calls: [{ tool: 'send_command', decision: 'live' }] });
  const { items } = (await bridge.fetch('/api/audit?agent=gate/g1&kind=program')).body as { items: Item[] };
  expect(items).toMatchObject([{ event: 'done', by: 'chat', detail: { calls: 1 } }]);
  const metrics = await (await fetch(`${bridge.bridge.http.url}/metrics`)).text();
  expect(metrics).toContain('\nmooring_turn_errors_total 0\n');
});

test('what is wrong with a program is told with line and column of its own text; its tools say what would be right', async () => {
  const bridge = await gateBridge();
  await device(await bridge.mqtt());
  await say(bridge, program('const a = 1;\nreturn a +;'));
  expect(await outputOf(bridge)).toMatchObject({
    outcome: 'failed',
    error: expect.stringMatching(/^line 2, column \d+: /) as string,
  });
  await say(bridge, program("await env.device.send_command({ command: 'dance' })"));
  const { error } = await until(async () => {
    const output = await outputOf(bridge);
    return String(output['error']).includes('bad-arguments') ? output : undefined;
  });
  expect(error).toMatch(/^line 1, column \d+: bad-arguments: .*expected one of \["move","lock","flush"/);
});

test('with types checked, a program that would go wrong later does nothing at all', async () => {
  const bridge = await startBridge({ devices, programTypes: 'on' });
  const heard = await device(await bridge.mqtt());
  const wrong = program(`await env.device.send_command({ command: 'move', value: 20 });
    return (await env.device.read_state({})).valuess;`);
  // Until the checker has started, programs run unchecked.
  const output = await until(async () => {
    heard.length = 0;
    await say(bridge, wrong);
    const parts = await lastParts(bridge, hasHeard);
    const said = toolPart(parts)?.['output'] as Item;
    return said['outcome'] === 'failed' ? said : undefined;
  });
  expect(output).toEqual({
    outcome: 'failed',
    code: 'types',
    error: expect.stringMatching(/^line 2, column 46: Property 'valuess' .*Nothing was run\.$/s) as string,
  });
  expect(heard).toEqual([]);
});

test('a call that needs consent pauses the program; approved after the process ended, it goes on where it was, and so does the chat', async () => {
  const dataDir = temporaryDir();
  const first = await gateBridge(dataDir);
  const heard = await device(await first.mqtt());
  await say(first, program(MOVES));
  const waiting = await lastParts(first, (parts) => toolPart(parts)?.['state'] === 'output-available');
  expect(toolPart(waiting)?.['output']).toMatchObject({
    outcome: 'waiting',
    waitingFor: [{ tool: 'send_command' }],
  });
  // The model is not asked to go on while people are.
  expect(waiting.filter(({ type }) => type === 'text')).toEqual([]);
  expect(heard).toEqual(['move 20']);
  const id = await pending(first);
  expect(await approvalsOf(first)).toMatchObject([
    { origin: { kind: 'program', sequence: 2 }, arguments: { command: 'move', value: 90 }, runBy: 'asker' },
  ]);
  await first.stop();
  const bridge = await gateBridge(dataDir);
  const heardThen = await device(await bridge.mqtt());
  await decide(bridge, id, 'Anna');
  expect(await outputOf(bridge)).toEqual({
    outcome: 'done',
    value: { small: 'done', far: 'done' },
    logs: ['moved'],
  });
  expect(heardThen).toEqual(['move 90']);
  expect(await approvalsOf(bridge)).toMatchObject([{ status: 'approved', outcome: { outcome: 'done' } }]);
  const { waiting: left, chain } = (await bridge.agent('gate/g1/programs')) as Item;
  expect(left).toEqual([]);
  expect(chain).toEqual({ kept: 2, count: 2, isSound: true });
});

test('denied, the program is told who and why, and may go on without it', async () => {
  const bridge = await gateBridge();
  const heard = await device(await bridge.mqtt());
  await say(
    bridge,
    program(`try { await env.device.send_command({ command: 'move', value: 90 }); }
      catch (error) { return String(error.message); }`),
  );
  await decide(bridge, await pending(bridge), 'Anna', false);
  expect(await outputOf(bridge)).toMatchObject({
    outcome: 'done',
    value: expect.stringContaining('Anna denied it') as string,
  });
  expect(heard).toEqual([]);
});

test('two calls that wait are asked about together, and nothing goes on before both are decided', async () => {
  const bridge = await gateBridge();
  const heard = await device(await bridge.mqtt());
  await say(
    bridge,
    program(
      `const all = await Promise.all([80, 90].map((value) => env.device.send_command({ command: 'move', value }))); return all.length;`,
    ),
  );
  await until(async () => (await approvalsOf(bridge, 'gate/g1', 'pending')).length === 2);
  await decide(bridge, await pending(bridge), 'Anna');
  expect(heard).toEqual([]);
  await decide(bridge, await pending(bridge), 'Anna');
  expect(await outputOf(bridge)).toMatchObject({ outcome: 'done', value: 2 });
  expect(heard.toSorted()).toEqual(['move 80', 'move 90']);
});

test('the program that an approval names can be read while it waits and afterwards, as the model wrote it', async () => {
  const bridge = await gateBridge();
  await device(await bridge.mqtt());
  await say(bridge, program(MOVES));
  const id = await pending(bridge);
  const [asked] = await approvalsOf(bridge);
  const { runId: run } = asked?.['origin'] as { runId: string };
  const read = (name: string): ReturnType<TestBridge['fetch']> =>
    bridge.fetch(`/api/agents/gate/g1/programs/${name}`);
  const body = { run, by: 'chat', text: MOVES };
  expect(await read(run)).toMatchObject({ status: 200, body: { ...body, state: 'waiting' } });
  await decide(bridge, id, 'Anna');
  await until(async () => (await read(run)).body['state'] === 'ended');
  expect((await read(run)).body).toEqual({ ...body, state: 'ended' });
  expect(await read('other')).toMatchObject({ status: 404, body: { code: 'BRG_UNKNOWN_PROGRAM' } });
});
