/**
 * A hostile MCP server over stdio, without the SDK: `node mcp-hostile-process.ts [mode]`. It notes the process ids of
 * itself and of what it starts in the file PIDS. Without a mode it is a sound 2025 server, until one of its tools is called.
 */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const mode = process.argv[2];
const input = createInterface({ input: process.stdin });
const say = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);
const note = (pid: number | undefined): void => {
  if (process.env['PIDS'] !== undefined) appendFileSync(process.env['PIDS'], `${pid}\n`);
};

/** The same piece for as long as somebody reads. */
function flood(piece: string): undefined {
  const bytes = Buffer.from(piece.repeat(Math.ceil(65_536 / piece.length)));
  const go = (): void => {
    while (process.stdout.write(bytes));
    process.stdout.once('drain', go);
  };
  go();
}

const inputSchema = { type: 'object', properties: {} };
const outputSchema = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] };
const notification =
  '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}\n';

/** Its tools, and what each answers if it does. */
const TOOLS: Readonly<Record<string, () => unknown>> = {
  sound: () => ({ content: [], structuredContent: { total: 1 } }),
  hangs: () => undefined,
  exits: () => process.exit(3),
  lies: () => ({ content: [], structuredContent: { total: 'five' } }),
  'answers-too-much': () => ({ content: [{ type: 'text', text: 'x'.repeat(3_000_000) }] }),
  'floods-bytes': () => flood('a'),
  'floods-words': () => flood('no JSON\n'),
  'floods-objects': () => flood('{}\n'),
  'floods-notifications': () => flood(notification),
  'floods-answers': () => flood('{"jsonrpc":"2.0","id":99,"result":{}}\n'),
  'reads-no-more': () => void input.pause(),
};

/** Tools from the `from`th on, as small as a tool can be. */
const many = (count: number, from: number): unknown[] =>
  Array.from({ length: count }, (_, at) => ({ name: `t${from + at}`, inputSchema }));

function listed(cursor: number): unknown {
  if (mode === '100,000-tools') return { tools: many(100_000, 0) };
  if (mode === '100,000-tools-in-pages')
    return { tools: many(5_000, cursor), nextCursor: String(cursor + 5_000) };
  return { tools: Object.keys(TOOLS).map((name) => ({ name, inputSchema, outputSchema })) };
}

function answer(line: string): void {
  const { id, method, params } = JSON.parse(line) as {
    id?: number;
    method: string;
    params?: { cursor?: string; name?: string };
  };
  if (id === undefined) return;
  const result = (value: unknown): boolean => say({ jsonrpc: '2.0', id, result: value });
  switch (method) {
    case 'initialize': {
      const serverInfo = { name: 'hostile', version: '1' };
      result({ protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo });
      break;
    }
    case 'tools/list':
      result(listed(Number(params?.cursor ?? 0)));
      break;
    case 'tools/call': {
      const said = TOOLS[params?.name ?? '']?.();
      if (said !== undefined) result(said);
      break;
    }
    default:
      say({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } });
  }
}

note(process.pid);
if (mode === 'exits') process.exit(1);
if (mode === 'floods') flood('no JSON\n');
if (mode === 'stays') {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
  note(spawn('sleep', ['600'], { stdio: 'inherit' }).pid);
  setInterval(() => undefined, 1000);
}
if (mode !== 'hangs') input.on('line', answer);
