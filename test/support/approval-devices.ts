/**
 * A gate to talk to, whose scripted model calls what it is told to: `call <tool> <json>` by a person, `OBEY call ...` in
 * a note that the device measured. After a tool's result it says what it heard.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { convertToModelMessages, isStepCount, simulateReadableStream, streamText, tool } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { z } from 'zod';
import {
  chatTools,
  DeviceChatAgent,
  type AgentClasses,
  type ChatAnswer,
  type ChatFinish,
  type ChatTurnOptions,
} from '../../src/agent/index.ts';
import {
  command,
  defineDevice,
  enumeration,
  numeric,
  text,
  type DevicePolicy,
} from '../../src/device/index.ts';

const CALL = /^(?:.*OBEY )?call (\w+) (\{.*\})/s;

const FINISH = { raw: undefined };
const USAGE = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

let calls = 0;

function toolCall(toolName: string, input: string): LanguageModelV4StreamPart[] {
  return [
    { type: 'tool-call', toolCallId: `call-${process.pid}-${++calls}`, toolName, input },
    { type: 'finish', finishReason: { ...FINISH, unified: 'tool-calls' }, usage: USAGE },
  ];
}

function says(delta: string): LanguageModelV4StreamPart[] {
  return [
    { type: 'text-start', id: '1' },
    { type: 'text-delta', id: '1', delta },
    { type: 'text-end', id: '1' },
    { type: 'finish', finishReason: { ...FINISH, unified: 'stop' }, usage: USAGE },
  ];
}

function answer({ prompt }: LanguageModelV4CallOptions): LanguageModelV4StreamPart[] {
  const last = prompt.at(-1);
  const asked = prompt
    .filter(({ role }) => role === 'user')
    .map(({ content }) => (typeof content === 'string' ? content : content.map(textOf).join('')))
    .at(-1);
  if (last?.role === 'tool') {
    const results = last.content.filter(({ type }) => type === 'tool-result');
    if (asked?.startsWith('insist') === true)
      return toolCall('send_command', '{"command":"move","value":"far"}');
    return says(`heard ${JSON.stringify(results.map((part) => ('output' in part ? part.output : null)))}`);
  }
  if (asked?.startsWith('insist') === true)
    return toolCall('send_command', '{"command":"move","value":"far"}');
  const system = prompt.find(({ role }) => role === 'system')?.content;
  const injected =
    typeof system === 'string' ? /OBEY call \w+ \{[^}]*\}/.exec(system.replaceAll('\\"', '"')) : null;
  const [, name, input] = CALL.exec(asked ?? '') ?? CALL.exec(injected?.[0] ?? '') ?? [];
  return name === undefined || input === undefined ? says('nothing to do') : toolCall(name, input);
}

function textOf(part: object): string {
  return 'text' in part ? String(part.text) : '';
}

const model = new MockLanguageModelV4({
  doStream: (options) =>
    Promise.resolve({
      stream: simulateReadableStream({
        chunks: [{ type: 'stream-start', warnings: [] }, ...answer(options)],
      }),
    }),
});

class Gate extends DeviceChatAgent {
  static options = { model };
}

/** Has an answer and a tool of its own beside those of its device. */
class OwnGate extends DeviceChatAgent {
  static options = { model };
  static policy: DevicePolicy = { approvals: { byDevice: false } };

  override async onChatMessage(onFinish: ChatFinish, { abortSignal }: ChatTurnOptions): Promise<ChatAnswer> {
    const open = tool({
      description: 'opens the account',
      inputSchema: z.object({ name: z.string() }),
      needsApproval: true,
      execute: ({ name }) => ({ opened: name }),
    });
    return streamText({
      model: this.languageModel,
      messages: await convertToModelMessages(this.messages),
      tools: { ...(await chatTools(this)), open_account: open },
      stopWhen: isStepCount(4),
      abortSignal,
      onFinish,
    });
  }
}

const gate = {
  vendor: 'Test',
  description: 'a gate for tests',
  metrics: [
    numeric('position', { unit: '%', min: 0, max: 100, precision: 1 }),
    enumeration('lock', { values: ['open', 'closed'] }),
    text('note', { bytesMax: 256 }),
  ],
  commands: [
    command('move', {
      argument: { kind: 'numeric', unit: '%', min: 0, max: 100, precision: 1 },
      effect: { metric: 'position', value: 'argument' },
    }),
    command('lock', {
      argument: { kind: 'enumeration', values: ['open', 'closed'] },
      effect: { metric: 'lock', value: 'argument' },
    }),
    command('flush'),
    command('rinse'),
  ],
  sample: { position: 10, lock: 'closed', note: 'fine' },
} as const;

export const definitions = [
  defineDevice({
    ...gate,
    model: 'gate',
    agent: 'gate-agent',
    policy: {
      approvals: { byDevice: true },
      commands: {
        move: { allow: { min: 0, max: 50 } },
        lock: { approvals: { persons: 2 } },
        rinse: { rate: { max: 1, perSeconds: 3600 } },
        flush: { approvals: { ttlSeconds: 0.2 } },
      },
    },
  }),
  defineDevice({ ...gate, model: 'own-gate', agent: 'own-gate-agent' }),
];

export const agents: AgentClasses = { 'gate-agent': Gate, 'own-gate-agent': OwnGate };
