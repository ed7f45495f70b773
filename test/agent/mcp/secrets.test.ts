/** What an agent's servers are reached with: kept over a restart, shown nowhere, in no export. */
import { expect, it } from 'vitest';
import { temporaryDir } from '../../support/bridge.ts';
import { addServer, call, mcpBridge } from '../../support/mcp-agents.ts';
import { listen } from '../../support/mcp-http-server.ts';
import { answerScripted } from '../../support/mcp-scripted-server.ts';

const ORDINARY = {
  'tools/list': () => ({ tools: [{ name: 'add', inputSchema: { type: 'object', properties: {} } }] }),
  'tools/call': () => ({ content: [{ type: 'text', text: '5' }] }),
};
const KEYS = ['k3y-in-a-header', 'k3y-in-the-query'];

it('headers and the query of a server outlive a restart, and are in no answer and no export', async () => {
  const seen: string[] = [];
  const server = await listen((request, response) => {
    seen.push(`${String(request.url)} ${String(request.headers['x-key'])}`);
    void answerScripted(ORDINARY, request, response);
  });
  const dataDir = temporaryDir();
  const first = await mcpBridge({ dataDir });
  const url = `${server.url}?key=${String(KEYS[1])}`;
  const id = await addServer(first, 'worker/w', url, { headers: { 'x-key': KEYS[0] } });
  const said = [
    await first.agent('worker/w/mcp-servers'),
    (await first.fetch('/api/audit?agent=worker/w')).body,
    await call(first, 'worker/w', 'servers'),
  ];
  for (const key of KEYS) expect(JSON.stringify(said)).not.toContain(key);
  await first.stop();

  const second = await mcpBridge({ dataDir });
  seen.length = 0;
  expect(await call(second, 'worker/w', 'use', id, 'add', {})).toMatchObject({ kind: 'done' });
  for (const key of KEYS) expect(seen.at(-1)).toContain(key);

  const response = await fetch(`${second.bridge.http.url}/api/agents/worker/w/export`);
  const file = Buffer.from(await response.arrayBuffer());
  expect(file.includes('mcp:'), 'the server itself is in it').toBe(true);
  for (const key of KEYS) expect(file.includes(key), key).toBe(false);
});
