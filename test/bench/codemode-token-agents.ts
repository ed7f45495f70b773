/**
 * Greenhouses to ask, for the token benchmark: the shipped model, whose agents may read each other. What a client sends
 * beside its question says which way the model is offered the tools: each by itself, or `run_program` alone, or both.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { convertToModelMessages, isStepCount, streamText } from 'ai';
import greenhouse from '../../devices/greenhouse.ts';
import {
  DeviceChatAgent,
  deviceTools,
  programTool,
  type AgentClasses,
  type ChatAnswer,
  type ChatFinish,
  type ChatTurnOptions,
} from '../../src/agent/index.ts';
import { toolSetOf } from '../../src/agent/chat/chat-tools.ts';
import { defineDevice } from '../../src/device/index.ts';
import type { Tool } from '../../src/tools/index.ts';

/** How the model gets at the tools. */
export type Offer = 'tools' | 'program' | 'both';

/** Sent beside the question. */
export interface Offered {
  readonly offer: Offer;
  /** Directory of the files that `list_files` and `read_file` read; none: these tools are not offered. */
  readonly files?: string;
  /** Tools of other systems, which the question does not need. */
  readonly others?: number;
}

const STEPS_MAX = 20;
const TEXT = { type: 'string' } as const;

function tool(
  spec: Pick<Tool, 'name' | 'description' | 'outputSchema'> & { properties: object },
  work: (input: never) => Promise<unknown>,
): Tool {
  const { properties, ...about } = spec;
  const inputSchema = {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
  return { ...about, inputSchema, execute: (input) => work(input as never) }; // checked against the schema by whoever calls
}

function fileTools(directory: string): Tool[] {
  const file = {
    type: 'object',
    properties: { name: TEXT, bytes: { type: 'integer' } },
    required: ['name', 'bytes'],
  };
  const list = {
    name: 'list_files',
    description: 'Log files of the site.',
    properties: {},
    outputSchema: {
      type: 'object',
      properties: { files: { type: 'array', items: file } },
      required: ['files'],
    },
  };
  const read = {
    name: 'read_file',
    description: 'The text of one log file.',
    properties: { name: TEXT },
    outputSchema: { type: 'object', properties: { name: TEXT, text: TEXT }, required: ['name', 'text'] },
  };
  return [
    tool(list, async () => {
      const names = (await readdir(directory)).sort();
      const files = names.map(async (name) => ({ name, bytes: (await stat(join(directory, name))).size }));
      return { files: await Promise.all(files) };
    }),
    tool(read, async ({ name }: { name: string }) => ({
      name,
      text: await readFile(join(directory, name), 'utf8'),
    })),
  ];
}

/** What an integration of some other system brings. */
function otherTools(count: number): Tool[] {
  const things = ['order', 'invoice', 'ticket', 'customer', 'shipment', 'contract', 'supplier', 'employee'];
  const verbs = [
    'list',
    'get',
    'create',
    'update',
    'delete',
    'archive',
    'assign',
    'export',
    'import',
    'approve',
    'close',
    'reopen',
  ];
  return Array.from({ length: count }, (_, i) => {
    const [verb, thing] = [
      verbs[Math.floor(i / things.length) % verbs.length] ?? '',
      things[i % things.length] ?? '',
    ];
    const properties = {
      id: { type: 'string', description: `number of the ${thing}` },
      fields: { type: 'array', items: TEXT, description: `which parts of the ${thing} are wanted` },
      reason: { type: 'string', description: 'shown in the log of changes' },
    };
    const outputSchema = {
      type: 'object',
      properties: { id: TEXT, status: TEXT },
      required: ['id', 'status'],
    };
    const description = `Runs the step "${verb}" for one ${thing} of the office system and answers its new status.`;
    return tool(
      { name: `${verb}_${thing}`, description, properties, outputSchema },
      ({ id }: { id: string }) => Promise.resolve({ id, status: 'open' }),
    );
  });
}

class Asked extends DeviceChatAgent {
  override async onChatMessage(
    onFinish: ChatFinish,
    { abortSignal, body }: ChatTurnOptions,
  ): Promise<ChatAnswer> {
    const { offer, files, others = 0 } = body as unknown as Offered; // this benchmark sent it
    const groups = [
      { namespace: 'device', tools: deviceTools(this, { by: 'chat' }) },
      { namespace: 'files', tools: files === undefined ? [] : fileTools(files) },
      { namespace: 'office', tools: otherTools(others) },
    ].filter(({ tools }) => tools.length > 0);
    const single = offer === 'program' ? [] : groups.flatMap(({ tools }) => tools);
    const program =
      offer === 'tools' ? [] : [programTool(this, { groups, by: 'chat', isBesideTools: offer === 'both' })];
    return streamText({
      model: this.languageModel,
      system: systemPrompt(this),
      messages: await convertToModelMessages(this.messages),
      tools: await toolSetOf(this, [...single, ...program]),
      stopWhen: isStepCount(STEPS_MAX),
      abortSignal,
      maxRetries: 0,
      onFinish,
    });
  }
}

/** As `DeviceChatAgent` writes it. */
function systemPrompt({ model, name, definition, state }: DeviceChatAgent): string {
  const measured = definition.metrics.map((metric) => `${metric.name} in ${metric.unit ?? ''}`).join(', ');
  return `You are ${model} ${name}. ${definition.description}. It measures ${measured}.\nState: ${JSON.stringify(state ?? null)}`;
}

const { model, vendor, description, metrics, commands, rules, sample } = greenhouse;

export const definitions = [
  defineDevice({
    ...{ model, vendor, description, metrics, commands, rules, sample },
    agent: 'asked',
    policy: { peers: 'model' },
  }),
];

export const agents: AgentClasses = { asked: Asked };
