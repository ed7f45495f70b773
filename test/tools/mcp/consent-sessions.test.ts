/** Sessions of 2025 clients whose person is asked for consent: whose they are, and what ends a question. */
import { describe, expect, it } from 'vitest';
import type { TestBridge } from '../../support/bridge.ts';
import { TOKENS, VALVE, withValve } from '../../support/mcp-valve.ts';

describe('a session of a 2025 client', () => {
  const capabilities = { elicitation: {} };
  const clientInfo = { name: 'raw', version: '1' };
  const initialize = { protocolVersion: '2025-06-18', capabilities, clientInfo };
  const input = { ...VALVE, command: 'move', argument: 70 };

  async function post(
    bridge: TestBridge,
    message: Record<string, unknown>,
    { session, token, version }: { session?: string; token?: string; version?: string } = {},
  ): Promise<Response> {
    return fetch(`${bridge.bridge.http.url}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...(session === undefined ? {} : { 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' }),
        ...(version === undefined ? {} : { 'mcp-protocol-version': version }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
  }

  /** The id of the question that comes within an answer. */
  async function question({ body }: Response): Promise<unknown> {
    const reader = body?.getReader();
    let text = '';
    while (!text.includes('elicitation/create'))
      text += new TextDecoder().decode((await reader?.read())?.value);
    return (JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '{}') as { id: unknown }).id;
  }

  const begin = async (bridge: TestBridge, token?: string): Promise<string | null> => {
    const options = token === undefined ? {} : { token };
    const begun = await post(bridge, { id: 1, method: 'initialize', params: initialize }, options);
    await begun.text();
    return begun.headers.get('mcp-session-id');
  };
  it('begins also where the client says its version with its first request already', async () => {
    const { bridge } = await withValve();
    const message = { id: 1, method: 'initialize', params: initialize };
    for (const version of ['2025-06-18', '2025-03-26']) {
      const begun = await post(bridge, message, { version });
      expect(begun.status).toBe(200);
      expect(begun.headers.get('mcp-session-id')).toMatch(/^[0-9a-f-]{36}$/);
      await begun.text();
    }
  });

  const call = { id: 2, method: 'tools/call', params: { name: 'device_command', arguments: input } };

  it('is that of its token; with another, and when the bridge knows it no more, people are asked instead', async () => {
    const { bridge, heard } = await withValve(TOKENS);
    const session = (await begin(bridge, TOKENS.adminToken)) ?? '';
    expect(session).not.toBe('');
    expect(await begin(bridge, TOKENS.actToken)).toBeNull();
    for (const [id, token] of [
      [session, TOKENS.actToken],
      ['of another life of the bridge', TOKENS.adminToken],
    ] as const) {
      const answer = await (await post(bridge, call, { session: id, token })).text();
      expect(answer).not.toContain('elicitation/create');
      expect(answer).toMatch(/needs-approval/);
    }
    expect((await bridge.fetch('/api/audit')).status).toBe(401);
    expect(heard).toEqual([]);
  });

  it('forgets a question whose call the client gives up: nothing is done, whatever comes later', async () => {
    const { bridge, heard } = await withValve();
    const session = (await begin(bridge)) ?? '';
    const answer = await post(bridge, call, { session });
    const asked = await question(answer);
    await post(
      bridge,
      { method: 'notifications/cancelled', params: { requestId: call.id, reason: 'no time' } },
      { session },
    );
    const late = { id: asked, result: { action: 'accept', content: { approve: true } } };
    await post(bridge, late, { session });
    expect((await bridge.fetch('/api/approvals?status=pending')).body['items']).toEqual([]);
    expect(heard).toEqual([]);
  });

  it('whose client answers with an error: people are asked instead', async () => {
    const { bridge, heard } = await withValve();
    const session = (await begin(bridge)) ?? '';
    const [answer, rest] = (await post(bridge, call, { session })).body?.tee() ?? [];
    const id = await question(new Response(answer));
    await post(bridge, { id, error: { code: -32601, message: 'no' } }, { session });
    expect(await new Response(rest).text()).toContain('needs-approval');
    expect((await bridge.fetch('/api/approvals?status=pending')).body['items']).toHaveLength(1);
    expect(heard).toEqual([]);
    const ended = await fetch(`${bridge.bridge.http.url}/mcp`, {
      method: 'DELETE',
      headers: { 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' },
    });
    expect(ended.status).toBe(200);
    expect(await (await post(bridge, call, { session })).text()).toContain('needs-approval');
  });
});
