/** A device whose agent uses servers that hang, lie, flood or disappear: its telemetry goes on, and the chat says what failed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryDir, type TestBridge } from '../../support/bridge.ts';
import { ChatClient } from '../../support/chat-client.ts';
import { addServer, call, mcpBridge } from '../../support/mcp-agents.ts';
import { modernServer, type HttpFixture } from '../../support/mcp-http-server.ts';
import { answerScripted, scripted } from '../../support/mcp-scripted-server.ts';
import { listen } from '../../support/mcp-http-server.ts';
import { isAlive } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

const object = { type: 'object', properties: {} };
const outputSchema = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] };
const tools = [{ name: 'go', inputSchema: object, outputSchema, annotations: { readOnlyHint: true } }];
const ORDINARY = { 'tools/list': () => ({ tools }) };

/** Its tool is called in the chat; meanwhile 200 messages of telemetry come. What the chat says of the call in the end. */
async function chatOf(bridge: TestBridge, tool: string): Promise<{ text: string; appliedMs: number }> {
  const device = await bridge.mqtt();
  const chat = await ChatClient.open(bridge, 'machine/m');
  const id = chat.ask(`call ${tool}`);
  await until(
    () => chat.chunks(id).some(({ type }) => type === 'tool-input-available'),
    'the tool to be called',
  );
  const startMs = performance.now();
  for (let rpm = 1; rpm <= 200; rpm++)
    device.publish('devices/machine/m/telemetry', `{"rpm":${rpm}}`, { qos: 1 });
  await bridge.describedAs('machine/m', ({ state }) => (state as { rpm?: number } | null)?.rpm === 200);
  const appliedMs = performance.now() - startMs;
  await chat.done(id);
  return { text: JSON.stringify(chat.chunks(id)), appliedMs };
}

it.each<[string, string, () => Promise<HttpFixture>]>([
  [
    'lies about its schema',
    'BRG_MCP_ANSWER',
    () =>
      scripted({ ...ORDINARY, 'tools/call': () => ({ content: [], structuredContent: { total: 'five' } }) }),
  ],
  [
    'answers more than can be read',
    'BRG_MCP_ANSWER',
    () =>
      scripted({
        ...ORDINARY,
        'tools/call': () => ({ content: [{ type: 'text', text: 'x'.repeat(4_000_000) }] }),
      }),
  ],
  [
    'disappears in the middle',
    'BRG_MCP_UNAVAILABLE',
    () =>
      listen((request, response) => {
        void (async () => {
          let text = '';
          for await (const piece of request) text += String(piece);
          if (text.includes('tools/call')) return request.socket.destroy();
          return answerScripted(ORDINARY, Object.assign([text], request) as never, response);
        })();
      }),
  ],
])('one that %s: %s', async (_how, code, start) => {
  const server = await start();
  const bridge = await mcpBridge();
  await addServer(bridge, 'machine/m', server.url, { id: 'foe', trust: 'read' });
  const { text, appliedMs } = await chatOf(bridge, 'tool_foe_go');
  expect(text).toContain(code);
  expect(appliedMs).toBeLessThan(5_000);
});

it('one that hangs: telemetry goes on while the call is open, and cancelling the chat ends it', async () => {
  const server = await modernServer();
  const bridge = await mcpBridge();
  await addServer(bridge, 'machine/m', server.url, { id: 'slow', trust: 'full' });
  const device = await bridge.mqtt();
  const chat = await ChatClient.open(bridge, 'machine/m');
  const id = chat.ask('call tool_slow_hang');
  await until(() => server.calls.includes('hang'), 'the call to arrive');
  device.publish('devices/machine/m/telemetry', '{"rpm":7}', { qos: 1 });
  await bridge.describedAs('machine/m', ({ state }) => (state as { rpm?: number } | null)?.rpm === 7);
  expect(chat.responses(id).some(({ done }) => done)).toBe(false);
  chat.send({ type: 'cf_agent_chat_request_cancel', id });
  await chat.done(id);
  const { body } = await bridge.fetch('/api/agents/machine/m/hibernate', { method: 'POST' });
  expect(body['hibernated']).toBe(true);
});

it('one that is a process and floods: its call fails, other agents of the thread answer meanwhile, and so does its own', async () => {
  const script = fileURLToPath(new URL('../../support/mcp-hostile-process.ts', import.meta.url));
  const bridge = await mcpBridge({ mcpAllow: ['stdio'] });
  const added = await call(bridge, 'worker/w', 'add', 'foe', { command: process.execPath, args: [script] });
  const flooding = call(bridge, 'worker/w', 'use', added['id'], 'floods-objects', {});
  const startMs = performance.now();
  for (let n = 0; n < 50; n++) {
    expect(await call(bridge, 'worker/other', 'tools')).toEqual([]);
    expect(await call(bridge, 'worker/w', 'tools')).toContain(`tool_${String(added['id'])}_sound`);
  }
  expect(performance.now() - startMs).toBeLessThan(5_000);
  expect(await flooding).toMatchObject({ code: 'BRG_MCP_ANSWER' });
});

it('a process that ignores the end of its input and every signal it may ends with the bridge, and so does what it started', async () => {
  const script = fileURLToPath(new URL('../../support/mcp-hostile-process.ts', import.meta.url));
  const file = join(temporaryDir(), 'pids');
  const bridge = await mcpBridge({ mcpAllow: ['stdio'] });
  const target = { command: process.execPath, args: [script, 'stays'], env: { PIDS: file } };
  expect(await call(bridge, 'worker/w', 'add', 'stays', target)).toMatchObject({ state: 'ready' });
  const pids = readFileSync(file, 'utf8').trim().split('\n').map(Number);
  expect(pids.some(isAlive)).toBe(true);
  await bridge.stop();
  expect(pids.filter(isAlive)).toEqual([]);
});
