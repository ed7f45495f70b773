/** What the model of a chat gets of MCP servers: nothing unless whoever added one said so, and what may act asks a person. */
import { expect, it } from 'vitest';
import { ChatClient } from '../../support/chat-client.ts';
import { addServer, mcpBridge } from '../../support/mcp-agents.ts';
import { modernServer } from '../../support/mcp-http-server.ts';
import { scripted } from '../../support/mcp-scripted-server.ts';
import { startModelServer } from '../../support/model-server.ts';

it('offers a model the tools of trusted servers only', async () => {
  const server = await modernServer();
  await using model = await startModelServer(() => ({ text: ['hello'] }));
  const bridge = await mcpBridge({ model: `openai-compatible:${model.url}#any` });
  await addServer(bridge, 'worker/w', server.url, { id: 'unsaid' });
  const offered = async (): Promise<string[]> => {
    const chat = await ChatClient.open(bridge, 'worker/w');
    await chat.answer('hello');
    return (model.requests.at(-1)?.body.tools ?? []).map((tool) => tool.function.name);
  };
  expect(await offered()).toEqual([]);
  await addServer(bridge, 'worker/w', server.url, { trust: 'read' });
  expect(await offered()).toContain('tool_unsaid_add');
});

it('runs what says it only reads; what does not say so asks a person, and the server hears nothing', async () => {
  const calls: string[] = [];
  const object = { type: 'object', properties: {} };
  const server = await scripted({
    'tools/list': () => ({
      tools: [
        { name: 'look', inputSchema: object, annotations: { readOnlyHint: true } },
        { name: 'delete', inputSchema: object },
      ],
    }),
    'tools/call': ({ name }) => {
      calls.push(String(name));
      return { content: [{ type: 'text', text: `${String(name)} was called` }] };
    },
  });
  const bridge = await mcpBridge();
  await addServer(bridge, 'worker/w', server.url, { id: 's', trust: 'read' });
  const chat = await ChatClient.open(bridge, 'worker/w');
  const look = await chat.answer('call tool_s_look');
  expect(chat.text(look)).toContain('look was called');
  const refused = await chat.answer('call tool_s_delete');
  expect(JSON.stringify(chat.chunks(refused))).toMatch(/approval/i);
  expect(calls).toEqual(['look']);
  await addServer(bridge, 'worker/w', server.url, { trust: 'full' });
  const done = await chat.answer('call tool_s_delete');
  expect(chat.text(done)).toContain('delete was called');
  const { body } = await bridge.fetch('/api/audit?agent=worker/w&kind=tool');
  const rows = (body['items'] as { event: string; subject: string; by: string }[]).map(
    ({ event, subject, by }) => `${event} ${subject} ${by}`,
  );
  expect(rows).toContain('called tool_s_delete chat');
});
