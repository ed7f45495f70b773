/** What a client of `/mcp` may do to a device: what the device's policy says, with a person's consent where that is wanted. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startBridge, type TestBridge } from '../../support/bridge.ts';
import { connect, move, TOKENS, VALVE, withValve } from '../../support/mcp-valve.ts';
import { until } from '../../support/until.ts';

const gates = fileURLToPath(new URL('../../support/approval-devices.ts', import.meta.url));

describe.each(['2025', '2026'])('a client of %s that nobody can be asked at', (era) => {
  it('does what the policy allows, which is done when the device has shown it, and nothing else', async () => {
    const { bridge, heard } = await withValve();
    const { client } = await connect(bridge, { era });
    expect(await move(client, 40)).toMatchObject({
      outcome: 'done',
      evidence: { source: 'telemetry', values: { position: 40 } },
    });
    expect(await move(client, 70)).toMatchObject({ outcome: 'needs-approval' });
    expect(await move(client, 95)).toMatchObject({ outcome: 'refused' });
    expect(heard).toEqual(['move 40']);
    const { body } = await bridge.fetch('/api/audit?agent=valve/v1&kind=tool');
    const events = (body['items'] as { event: string; by: string }[]).map(
      ({ event, by }) => `${event} ${by}`,
    );
    expect(events).toEqual(['refused mcp', 'needs-approval mcp', 'done mcp', 'called mcp']);
  });

  it('adds and removes its own rules; one of a person it may not remove', async () => {
    const { bridge } = await withValve();
    const { client } = await connect(bridge, { era });
    const call = async (name: string, input: object): Promise<Record<string, unknown>> => {
      const result = await client.callTool({ name, arguments: { ...VALVE, ...input } });
      return result.structuredContent as Record<string, unknown>; // an outcome
    };
    const rule = {
      when: { metric: 'position', op: '>', value: 90 },
      do: { kind: 'alert', text: 'far open' },
    };
    const added = await call('rules_add', { rule });
    expect(added).toMatchObject({ outcome: 'done' });
    const { id } = added['rule'] as { id: string };
    expect(await call('rules_delete', { ruleId: id })).toMatchObject({ outcome: 'done' });
    const theirs = await bridge.fetch('/api/agents/valve/v1/rules', { body: { rule } });
    expect(await call('rules_delete', { ruleId: theirs.body['id'] })).toMatchObject({
      outcome: 'needs-approval',
    });
  });
});

const ERAS = ['2025', '2026'];

it.each(ERAS)('a person at the client (%s) agrees: done once, and the audit log says who', async (era) => {
  const { bridge, heard } = await withValve();
  const { client, questions } = await connect(bridge, { era, said: { action: 'accept', approve: true } });
  expect(await move(client, 70)).toMatchObject({ outcome: 'done' });
  expect(questions).toEqual([expect.stringMatching(/^valve\/v1, send_command .*70/) as unknown]);
  expect(heard).toEqual(['move 70']);
  const { body } = await bridge.fetch('/api/audit?agent=valve/v1&kind=tool');
  expect(JSON.stringify(body)).toContain('"approvedBy":"mcp, asked at the client"');
  // Consent stands for what the policy would allow with it, and for nothing else.
  expect(await move(client, 95)).toMatchObject({ outcome: 'refused' });
  expect(questions).toHaveLength(1);
});

it.each(ERAS)('a person at the client (%s) does not agree: nothing is done', async (era) => {
  const { bridge, heard } = await withValve();
  for (const said of [{ action: 'accept', approve: false }, { action: 'decline' }] as const) {
    const { client, questions } = await connect(bridge, { era, said });
    expect(await move(client, 70)).toMatchObject({ outcome: 'refused' });
    expect(questions).toHaveLength(1);
  }
  expect(heard).toEqual([]);
});

it.each(ERAS)(
  'where two have to agree, one at the client (%s) is not enough: people are asked',
  async (era) => {
    const bridge = await startBridge({ devices: gates });
    const device = await bridge.mqtt();
    const heard: string[] = [];
    device.on('message', (topic) => void heard.push(topic.split('/')[4] ?? ''));
    await device.subscribeAsync('devices/gate/g1/command/#', { qos: 1 });
    await device.publishAsync('devices/gate/g1/telemetry', '{"position":10}', { qos: 1 });
    const { client, questions } = await connect(bridge, { era, said: { action: 'accept', approve: true } });
    const lock = { model: 'gate', id: 'g1', command: 'lock', argument: 'open', waitSeconds: 1 };
    const { structuredContent } = await client.callTool({ name: 'device_command', arguments: lock });
    expect(structuredContent).toMatchObject({ outcome: 'needs-approval' });
    expect(questions).toEqual([]);
    const { id } = (structuredContent as { approval: { id: string } }).approval;
    const vote = (by: string): Promise<{ status: number; body: Record<string, unknown> }> =>
      bridge.fetch(`/api/agents/gate/g1/approvals/${id}`, { body: { approved: true, by } });
    expect((await vote('Anna')).body['status']).toBe('pending');
    expect(heard).toEqual([]);
    expect((await vote('Bert')).body['status']).toBe('approved');
    await until(() => heard.includes('lock'), 'the command to arrive');
  },
);

it('consent to one call is none to another', async () => {
  const { bridge, heard } = await withValve();
  const post = async (argument: number, more: object): Promise<Record<string, unknown>> => {
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
    };
    const input = { ...VALVE, command: 'move', argument };
    const params = { name: 'device_command', arguments: input, ...more, _meta: meta };
    const response = await fetch(`${bridge.bridge.http.url}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'device_command',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }),
    });
    const text = await response.text();
    const json = text.startsWith('{') ? text : (/^data: (.*)$/m.exec(text)?.[1] ?? text);
    return (JSON.parse(json) as { result: Record<string, unknown> }).result;
  };
  const asked = await post(70, {});
  expect(asked).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) as unknown });
  const inputResponses = { consent: { action: 'accept', content: { approve: true } } };
  const other = await post(80, { requestState: asked['requestState'], inputResponses });
  expect(other).toMatchObject({ isError: true });
  expect(JSON.stringify(other)).toContain('BRG_FORBIDDEN');
  expect(heard).toEqual([]);
});

it('the read token reads the API and /mcp, and changes nothing', async () => {
  const { bridge, heard } = await withValve(TOKENS);
  const { client } = await connect(bridge, { token: TOKENS.readToken });
  const { tools } = await client.listTools();
  expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true)).toBe(true);
  expect(tools.length).toBeGreaterThan(0);
  const ask = async (path: string, method = 'GET', token = TOKENS.readToken): Promise<number> => {
    const init = { method, headers: { authorization: `Bearer ${token}` } };
    return (await fetch(`${bridge.bridge.http.url}${path}`, init)).status;
  };
  expect(await ask('/api/agents/valve/v1')).toBe(200);
  expect(await ask('/metrics')).toBe(200);
  expect(await ask('/api/agents/valve/v1', 'DELETE')).toBe(403);
  expect(await ask('/api/agents/valve/v1/commands/start', 'POST')).toBe(403);
  expect(await ask('/api/agents/valve/v1/export')).toBe(403);
  expect(await ask('/agents/valve/v1')).toBe(403);
  expect(await ask('/api/agents/valve/v1', 'GET', 'a-token-nobody-knows')).toBe(401);
  const socket = await bridge.socket(`valve/v1?token=${TOKENS.readToken}`); // to listen
  socket.send({ type: 'cf_agent_state', state: {} });
  await until(() => socket.closed?.code === 1008, 'it to be ended for speaking');
  expect((await bridge.socket(`valve/v2?token=${TOKENS.readToken}`)).closed).not.toBeNull();
  expect(await ask('/api/agents/valve/v2')).toBe(404); // listening brings nobody into being
  expect(heard).toEqual([]);
});

describe('the act token', () => {
  const ask = (
    bridge: TestBridge,
    path: string,
    method: string,
    body?: unknown,
    token = TOKENS.actToken,
  ): Promise<Response> =>
    fetch(`${bridge.bridge.http.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  it('acts as the policy allows; its client is not asked, and what people have to approve it cannot', async () => {
    const { bridge, heard } = await withValve(TOKENS);
    const said = { action: 'accept', approve: true } as const;
    const { client, questions } = await connect(bridge, { said, token: TOKENS.actToken });
    expect((await client.listTools()).tools.map(({ name }) => name)).not.toContain('agent_call');
    expect(await move(client, 40)).toMatchObject({ outcome: 'done' });
    const waiting = await move(client, 70);
    expect(waiting).toMatchObject({ outcome: 'needs-approval' });
    expect(questions).toEqual([]);
    const { id } = waiting['approval'] as { id: string };
    const decide = `/api/agents/valve/v1/approvals/${id}`;
    const own = await ask(bridge, decide, 'POST', { approved: true, by: 'Anna' });
    expect([own.status, await own.json()]).toEqual([
      403,
      expect.objectContaining({ code: 'BRG_FORBIDDEN' }) as unknown,
    ]);
    expect(heard).toEqual(['move 40']);
    const decided = await ask(bridge, decide, 'POST', { approved: true, by: 'Anna' }, TOKENS.adminToken);
    expect(await decided.json()).toMatchObject({ status: 'approved', requestedBy: 'mcp:operator' });
    await until(() => heard.includes('move 70'), 'what Anna approved to be done');
  });

  it('reads the API and calls tools of agents there, and nothing else that changes something', async () => {
    const { bridge, heard } = await withValve(TOKENS);
    expect((await ask(bridge, '/api/agents/valve/v1', 'GET')).status).toBe(200);
    const tool = '/api/agents/valve/v1/tools/send_command';
    const moved = await ask(bridge, tool, 'POST', { command: 'move', value: 30 });
    expect(await moved.json()).toMatchObject({ value: { outcome: 'done' } });
    expect(heard).toEqual(['move 30']);
    for (const [method, path] of [
      ['POST', '/api/agents/valve/v1/commands/start'],
      ['PATCH', '/api/agents/valve/v1/desired'],
      ['POST', '/api/agents/valve/v1/call/x'],
      ['POST', '/api/agents/valve/v1/rules'],
      ['POST', '/api/backup'],
      ['DELETE', '/api/agents/valve/v1'],
      ['GET', '/api/agents/valve/v1/export'],
      ['GET', '/agents/valve/v1'],
    ] as const) {
      const { status } = await ask(bridge, path, method, method === 'GET' ? undefined : {});
      expect(`${method} ${path} ${status}`).toBe(`${method} ${path} 403`);
    }
    const socket = await bridge.socket(`valve/v1?token=${TOKENS.actToken}`);
    socket.send({ type: 'rpc', id: '1', method: 'x', args: [] });
    await until(() => socket.closed?.code === 1008, 'it to be ended for speaking');
    expect(heard).toEqual(['move 30']);
  });
});
