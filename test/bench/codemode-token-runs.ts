/**
 * Questions put to real agents of a real bridge, whose model is a script behind the OpenAI protocol, and the tokens of
 * every request as it arrived there. Rules: docs/performance.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { connectAsync } from 'mqtt';
import { createBridge, type Bridge } from '../../src/bridge.ts';
import { AgentClient } from '../../src/client/index.ts';
import { startModelServer, type ModelRequest, type ModelServer, type Said } from '../support/model-server.ts';
import type { Offer, Offered } from './codemode-token-agents.ts';
import { offerOf, turnOf, type Made, type Task, type Way } from './codemode-token-tasks.ts';

/** Tokens by what they are, over all turns. */
export interface TokenCount {
  readonly turns: number;
  readonly system: number;
  /** Declarations of the tools. */
  readonly tools: number;
  readonly question: number;
  /** Calls of earlier turns, read again. */
  readonly calls: number;
  readonly results: number;
  /** What the model wrote: calls, programs, the answer. */
  readonly output: number;
  readonly total: number;
  /** What no earlier request of the chat began with, and the output: the total where a cache costs nothing. */
  readonly cached: number;
}

export interface Asked {
  readonly count: TokenCount;
  readonly answer: string;
}

interface Message {
  readonly role: string;
  readonly content: unknown;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly function: { readonly name: string; readonly arguments: string };
  }[];
}

const DEVICES = 10;
const SAMPLES = 288;
const STEP_MS = 5 * 60_000;

export class TokenRuns implements AsyncDisposable {
  readonly #bridge: Bridge;
  readonly #server: ModelServer;
  readonly #files: string;
  #asked = 0;

  constructor(bridge: Bridge, server: ModelServer, files: string) {
    this.#bridge = bridge;
    this.#server = server;
    this.#files = files;
  }

  /** A bridge with ten greenhouses that have measured for a day, and ten log files. @param scratch an empty directory */
  static async open(scratch: string): Promise<TokenRuns> {
    const files = join(scratch, 'files');
    writeLogs(files);
    const server = await startModelServer(() => ({ text: ['not asked'] }));
    const bridge = await createBridge({
      ...{ shards: 0, mqttPort: 0, httpPort: 0, logLevel: 'silent', logFormat: 'json' },
      dataDir: join(scratch, 'data'),
      devices: pathToFileURL(join(import.meta.dirname, 'codemode-token-agents.ts')).pathname,
      model: `openai-compatible:${server.url}#scripted`,
    });
    await measureForADay(bridge);
    return new TokenRuns(bridge, server, files);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bridge.stop();
    await this.#server[Symbol.asyncDispose]();
  }

  /** Puts the question to an agent that was asked nothing before. */
  async ask(task: Task, way: Way, offer: Offer = offerOf(way)): Promise<Asked> {
    const turns: { readonly request: ModelRequest; readonly said: Said }[] = [];
    this.#server.script = (request) => {
      const said = this.#say(task, way, request);
      turns.push({ request, said });
      return said;
    };
    const body: Offered = {
      offer,
      ...(task.usesFiles === true ? { files: this.#files } : {}),
      ...(task.others === undefined ? {} : { others: task.others }),
    };
    const answer = await this.#chat(task.question, body);
    return { count: countTurns(turns), answer };
  }

  #say(task: Task, way: Way, request: ModelRequest): Said {
    const made = madeIn(messagesOf(request));
    const turn = turnOf(task, way, made);
    if ('text' in turn) return { text: [turn.text] };
    const calls = turn.calls.map(({ name, input }, i) => ({
      id: `call_${made.length + i}`,
      name,
      input: JSON.stringify(input),
    }));
    return { calls };
  }

  /** Over a socket, in an empty chat; the text of the answer. */
  async #chat(question: string, more: Offered): Promise<string> {
    const id = `r${++this.#asked}`;
    const ended = Promise.withResolvers<void>();
    let text = '';
    const client = new AgentClient({
      host: this.#bridge.http.url,
      model: 'greenhouse',
      id: 'g0',
      codec: 'json',
      onFrame: (frame) => {
        if (frame.type !== 'cf_agent_use_chat_response' || frame.id !== id) return;
        if (frame.error === true)
          return ended.reject(new Error(`the chat failed: ${JSON.stringify(frame.body)}`));
        const chunk = typeof frame.body === 'string' ? {} : frame.body;
        if (chunk['type'] === 'text-delta') text += String(chunk['delta']);
        if (frame.done) ended.resolve();
      },
    });
    try {
      await client.ready;
      client.sendFrame({ type: 'cf_agent_chat_clear' });
      const messages = [{ id, role: 'user', parts: [{ type: 'text', text: question }] }];
      client.sendFrame({
        type: 'cf_agent_use_chat_request',
        id,
        init: { method: 'POST', body: JSON.stringify({ messages, ...more }) },
      });
      await ended.promise;
      return text;
    } finally {
      client.close();
    }
  }
}

function messagesOf({ body }: ModelRequest): readonly Message[] {
  return body.messages as readonly Message[]; // the SDK wrote it
}

/** The calls of a chat with what their tools said, in the order they were made. */
function madeIn(messages: readonly Message[]): Made[] {
  const results = new Map(
    messages.flatMap(({ tool_call_id: id, content }) => (id === undefined ? [] : [[id, String(content)]])),
  );
  return messages.flatMap(({ tool_calls: calls = [] }) =>
    calls.map(({ id, function: { name, arguments: input } }) => ({
      name,
      input: JSON.parse(input) as Made['input'], // the script wrote it
      output: JSON.parse(results.get(id) ?? 'null') as unknown,
    })),
  );
}

function countTurns(turns: readonly { readonly request: ModelRequest; readonly said: Said }[]): TokenCount {
  const sum = { system: 0, tools: 0, question: 0, calls: 0, results: 0, output: 0 };
  const tokens = newCounter();
  let readLast = 0;
  let cached = 0;
  for (const { request, said } of turns) {
    const parts = countRequest(request, tokens);
    const output = countSaid(said, tokens);
    for (const name of ['system', 'tools', 'question', 'calls', 'results'] as const) sum[name] += parts[name];
    sum.output += output;
    const read = parts.system + parts.tools + parts.question + parts.calls + parts.results;
    // What the model wrote before is new to the cache of what it reads, so it counts as such.
    cached += read - readLast + output;
    readLast = read;
  }
  const total = Object.values(sum).reduce((a, b) => a + b, 0);
  return { turns: turns.length, ...sum, total, cached };
}

function countRequest(
  request: ModelRequest,
  tokens: Counter,
): Pick<TokenCount, 'system' | 'tools' | 'question' | 'calls' | 'results'> {
  const count = { system: 0, question: 0, calls: 0, results: 0 };
  for (const { role, content, tool_calls: calls = [] } of messagesOf(request)) {
    const part = ({ system: 'system', user: 'question', tool: 'results' } as const)[role] ?? 'calls';
    if (content !== null && content !== '')
      count[part] += tokens(typeof content === 'string' ? content : JSON.stringify(content));
    for (const { function: made } of calls) count.calls += tokens(made.name) + tokens(made.arguments);
  }
  return { ...count, tools: tokens(JSON.stringify(request.body.tools ?? [])) };
}

function countSaid({ text = [], calls = [] }: Said, tokens: Counter): number {
  return (
    tokens(text.join('')) + calls.reduce((sum, { name, input }) => sum + tokens(name) + tokens(input), 0)
  );
}

type Counter = (text: string) => number;

/** Every turn of a chat reads what the one before read: each text is counted once. */
function newCounter(): Counter {
  const known = new Map<string, number>();
  return (text) => {
    const count = known.get(text) ?? countTokens(text);
    known.set(text, count);
    return count;
  };
}

/** Telemetry of a day, every five minutes: warm by day, each greenhouse a little different. */
async function measureForADay({ mqtt }: Bridge): Promise<void> {
  const client = await connectAsync(`mqtt://${mqtt.host}:${mqtt.port}`);
  const nowMs = Date.now();
  for (let device = 0; device < DEVICES; device++) {
    const samples = Array.from({ length: SAMPLES }, (_, i) => {
      const warmth = Math.sin((i / SAMPLES) * 2 * Math.PI + device / 20);
      const t = round(20 + ((device * 7) % DEVICES) / 2 + 8 * warmth + ((i * 13) % 7) / 10);
      return { ts: nowMs - (SAMPLES - i) * STEP_MS, t, h: round(70 - t), b: 88 };
    });
    await client.publishAsync(`devices/greenhouse/g${device}/telemetry`, JSON.stringify(samples), { qos: 1 });
  }
  await client.endAsync();
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** Ten logs of 150 lines, two of which hold the error that is looked for. */
function writeLogs(directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (let file = 0; file < 10; file++) {
    const lines = Array.from({ length: 150 }, (_, i) => {
      const isFault = (file === 3 && i % 40 === 7) || (file === 7 && i % 25 === 3);
      const at = new Date(Date.UTC(2026, 2, 1 + file, 6, i)).toISOString();
      return isFault
        ? `${at} ERROR pump ${file} E42 dry run, stopped`
        : `${at} INFO pump ${file} pressure ${(2 + (i % 9) / 10).toFixed(1)} bar`;
    });
    writeFileSync(join(directory, `pump-${file}.log`), `${lines.join('\n')}\n`);
  }
}
