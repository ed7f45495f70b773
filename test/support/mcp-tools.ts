/** An MCP server with tools for tests, made with the SDK's own server package: over HTTP in this process, or stdio. */
import {
  acceptedContent,
  fromJsonSchema,
  inputRequired,
  McpServer,
  type CallToolResult,
  type ServerContext,
} from '@modelcontextprotocol/server';

const none = fromJsonSchema<Record<string, never>>({ type: 'object', properties: {} });
const sum = fromJsonSchema<{ a: number; b: number }>({
  type: 'object',
  properties: { a: { type: 'number' }, b: { type: 'number' } },
  required: ['a', 'b'],
});
const total = fromJsonSchema<{ total: number }>({
  type: 'object',
  properties: { total: { type: 'number' } },
  required: ['total'],
});
const size = fromJsonSchema<{ bytes: number }>({
  type: 'object',
  properties: { bytes: { type: 'integer' } },
});

/** The form of `confirm`. */
const FORM = {
  type: 'object' as const,
  properties: { sure: { type: 'boolean' as const } },
  required: ['sure'],
};

/** `calls`: told of every call that was begun, by the name of its tool. */
export function toolServer(era: 'legacy' | 'modern', calls: string[] = []): McpServer {
  const server = new McpServer(
    { name: 'tools-for-tests', version: '1' },
    { instructions: 'Use add to add.' },
  );
  server.registerTool('add', { description: 'adds', inputSchema: sum, outputSchema: total }, ({ a, b }) => {
    calls.push('add');
    return { content: [{ type: 'text', text: String(a + b) }], structuredContent: { total: a + b } };
  });
  server.registerTool('fail', { description: 'always fails', inputSchema: none }, () => ({
    content: [{ type: 'text', text: 'the valve is stuck' }],
    isError: true,
  }));
  server.registerTool('hang', { description: 'never answers', inputSchema: none }, () => {
    calls.push('hang');
    return new Promise<CallToolResult>(() => undefined);
  });
  server.registerTool('large', { description: 'says much', inputSchema: size }, ({ bytes }) => ({
    content: [{ type: 'text', text: 'x'.repeat(bytes) }],
  }));
  server.registerTool('environment', { description: 'what it sees of ours', inputSchema: none }, () => ({
    content: [{ type: 'text', text: JSON.stringify(process.env) }],
  }));
  server.registerTool(
    'confirm',
    { description: 'asks a person first', inputSchema: none },
    async (_input, context) => {
      calls.push('confirm');
      const sure = era === 'modern' ? accepted(context) : await asked(context);
      if (sure === null)
        return inputRequired({ inputRequests: { sure: elicit }, requestState: 'state-of-confirm' });
      return { content: [{ type: 'text', text: sure ? 'confirmed' : 'refused' }] };
    },
  );
  server.registerResource('manual', 'file:///manual', { description: 'how it works' }, (uri) => ({
    contents: [{ uri: uri.href, text: 'read me' }],
  }));
  server.registerPrompt('greet', { description: 'greets' }, () => ({
    messages: [{ role: 'user', content: { type: 'text', text: 'hello' } }],
  }));
  return server;
}

const elicit = inputRequired.elicit({ message: 'Are you sure?', requestedSchema: FORM });

/** Null: nobody has been asked yet. */
function accepted({ mcpReq }: ServerContext): boolean | null {
  if (mcpReq.inputResponses === undefined) return null;
  if (mcpReq.requestState() !== 'state-of-confirm') throw new Error('the state was not given back');
  return acceptedContent<{ sure: boolean }>(mcpReq.inputResponses, 'sure')?.sure === true;
}

async function asked({ mcpReq }: ServerContext): Promise<boolean> {
  const answer = await mcpReq.elicitInput({ mode: 'form', message: 'Are you sure?', requestedSchema: FORM });
  return answer.action === 'accept' && answer.content?.['sure'] === true;
}
