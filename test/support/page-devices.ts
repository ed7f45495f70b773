/** A valve with a scripted model, for tests that talk to it: what the model says depends on the last words to it. */
import { simulateReadableStream } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { DeviceChatAgent, type DeviceAgentClass } from '../../src/agent/index.ts';
import { PARTS } from '../../src/agent/agent-parts.ts';
import { sha256Of } from '../../src/agent/device-tools/binding.ts';
import type { JsonObject } from '../../src/agent/merge-patch.ts';
import { BridgeError } from '../../src/base/errors.ts';
import { command, defineDevice, numeric, type DevicePolicy } from '../../src/device/index.ts';
import type { Json } from '../../src/tools/index.ts';

type Options = Parameters<MockLanguageModelV4['doStream']>[0];
type Answer = Awaited<ReturnType<MockLanguageModelV4['doStream']>>;
type StreamPart = Answer['stream'] extends ReadableStream<infer Part> ? Part : never;

const USAGE = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

const MARKUP = 'It is **fine**:\n\n1. `position` is 10\n2. <img src=x onerror="document.title=1">';

/** What the model says to a prompt. */
function script({ prompt }: Options): Answer {
  const last = prompt.at(-1);
  if (last?.role === 'tool') return say(`The tool says: ${JSON.stringify(last.content).slice(0, 2000)}`);
  const words = JSON.stringify(last?.content ?? '');
  if (words.includes('move')) return call({ command: 'move', value: 60 });
  if (words.includes('count')) return say(Array.from({ length: 400 }, (_, n) => `${n}`).join(' '), 15);
  if (words.includes('fail')) throw new BridgeError('BRG_MODEL_TIMEOUT', 'the model said nothing for 60 s');
  return say(MARKUP);
}

function say(text: string, chunkDelayInMs: number | null = null): Answer {
  const deltas = text.split(/(?<= )/).map((delta) => ({ type: 'text-delta' as const, id: '1', delta }));
  const parts = [{ type: 'text-start' as const, id: '1' }, ...deltas, { type: 'text-end' as const, id: '1' }];
  return stream(parts, 'stop', chunkDelayInMs);
}

function call(input: object): Answer {
  const toolCallId = `call-${Math.random().toString(36).slice(2)}`;
  const toolName = 'send_command';
  return stream(
    [{ type: 'tool-call', toolCallId, toolName, input: JSON.stringify(input) }],
    'tool-calls',
    null,
  );
}

function stream(
  parts: readonly StreamPart[],
  unified: 'stop' | 'tool-calls',
  chunkDelayInMs: number | null,
): Answer {
  const start: StreamPart = { type: 'stream-start', warnings: [] };
  const finish: StreamPart = { type: 'finish', finishReason: { unified, raw: unified }, usage: USAGE };
  return { stream: simulateReadableStream({ chunks: [start, ...parts, finish], chunkDelayInMs }) };
}

class Valve extends DeviceChatAgent {
  static options = {
    model: new MockLanguageModelV4({
      doStream: (options) => new Promise((resolve) => resolve(script(options))),
    }),
  };
  static callables = { question: {}, useServer: {} };
  static policy: DevicePolicy = { commands: { beep: { never: true } } };

  /** Calls a tool of an MCP server, which may ask people. */
  async useServer(serverId: string, name: string): Promise<string> {
    return (await this.mcp.callTool({ serverId, name, arguments: {} })).kind;
  }

  /** Asks people about a call of a tool. */
  question(tool: string, input: JsonObject, needed: 1 | 2): string {
    const binding = sha256Of({ tool, arguments: input } as Json);
    const explanation = 'The valve would open to 90 %, which nobody allowed yet.';
    const about = { tool, arguments: input, binding, explanation, requestedBy: 'api', needed };
    return this[PARTS].approvals.ask({ ...about, origin: { kind: 'tool' } }).id;
  }
}

export const definitions = [
  defineDevice({
    model: 'valve',
    vendor: 'Test',
    description: 'a valve for tests',
    agent: 'valve',
    metrics: [numeric('position', { unit: '%', min: 0, max: 100, precision: 1 })],
    commands: [
      command('move', {
        argument: { kind: 'numeric', unit: '%', min: 0, max: 100, precision: 1 },
        effect: { metric: 'position', value: 'argument' },
      }),
      command('beep'),
    ],
    sample: { position: 10 },
  }),
];

export const agents: Record<string, DeviceAgentClass> = { valve: Valve };
