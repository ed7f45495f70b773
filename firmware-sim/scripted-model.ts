/**
 * A language model for one scene of the demo: it needs no key and no network, and answers one question, by the script.
 * Every other prompt goes to the model it stands in front of, so that all else is as without it.
 */
import { randomUUID } from 'node:crypto';
import type { DeviceAgent } from '../src/index.ts';
import { conclusion, OPENING, PROGRAM, QUESTION } from './script.ts';

type Model = DeviceAgent['languageModel'];
type Options = Parameters<Model['doStream']>[0];
type Prompt = Options['prompt'];
type Answer = Awaited<ReturnType<Model['doStream']>>;
type Part = Answer['stream'] extends ReadableStream<infer One> ? One : never;

const TOOL = 'run_program';
/** Nothing was read by a model, nothing is to pay. */
const USAGE = {
  inputTokens: { total: 0, noCache: 0, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 0, text: 0, reasoning: 0 },
};

export class ScriptedModel implements Model {
  readonly specificationVersion = 'v4';
  readonly provider = 'mooring';
  readonly modelId = 'demo-script';
  readonly supportedUrls = {};
  readonly #other: Model;

  constructor(other: Model) {
    this.#other = other;
  }

  /** The script is for the chat, which streams. */
  doGenerate(options: Options): ReturnType<Model['doGenerate']> {
    return this.#other.doGenerate(options);
  }

  doStream(options: Options): ReturnType<Model['doStream']> {
    const { prompt, tools = [], abortSignal } = options;
    const isScene = lastSaid(prompt).startsWith(QUESTION) && tools.some(({ name }) => name === TOOL);
    if (!isScene) return this.#other.doStream(options);
    return new Promise((resolve) => {
      abortSignal?.throwIfAborted();
      const results = lastResults(prompt);
      resolve(streamed(results.length === 0 ? proposal() : words(results.map(conclusion).join('\n'))));
    });
  }
}

function proposal(): Part[] {
  const toolCallId = randomUUID();
  const call = {
    type: 'tool-call',
    toolCallId,
    toolName: TOOL,
    input: JSON.stringify({ code: PROGRAM }),
  } as const;
  return [...words(OPENING), call];
}

function words(text: string): Part[] {
  const id = '0';
  const deltas = text.match(/\S+\s*/g) ?? [];
  return [
    { type: 'text-start', id },
    ...deltas.map((delta) => ({ type: 'text-delta', id, delta }) as const),
    { type: 'text-end', id },
  ];
}

function streamed(parts: readonly Part[]): Answer {
  const unified = parts.some(({ type }) => type === 'tool-call') ? 'tool-calls' : 'stop';
  const finish: Part = { type: 'finish', finishReason: { unified, raw: undefined }, usage: USAGE };
  return { stream: ReadableStream.from([{ type: 'stream-start', warnings: [] } as Part, ...parts, finish]) };
}

/** The text of the user's last message. */
function lastSaid(prompt: Prompt): string {
  const message = prompt.findLast(({ role }) => role === 'user');
  if (message?.role !== 'user') return '';
  return message.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** What the calls came to that the prompt ends with; none when it ends with what a user said. */
function lastResults(prompt: Prompt): unknown[] {
  const last = prompt.at(-1);
  if (last?.role !== 'tool') return [];
  return last.content.flatMap((part) => {
    if (part.type !== 'tool-result') return [];
    return ['value' in part.output ? part.output.value : part.output];
  });
}
