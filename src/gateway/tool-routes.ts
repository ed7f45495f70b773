/** The routes of an agent's tools: what a model may do with a device, for programs that do the same. */
import { z } from 'zod';
import { limits } from '../base/limits.ts';
import * as answers from './answers.ts';
import { AGENT, JSON_ONLY, route } from './route.ts';
import type { Route } from './route.ts';

export const toolRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: `${AGENT}/tools`,
    operation: 'listTools',
    tag: 'tools',
    summary: 'What a model may do with an agent: its tools and their schemas',
    response: { status: 200, description: 'The tools', schema: answers.toolListAnswer },
    errors: ['BRG_UNKNOWN_AGENT', 'BRG_AGENT_HELD'],
    does: { kind: 'ask', ask: ({ address }) => ({ address, name: 'tools', body: {} }) },
  }),
  route({
    method: 'POST',
    path: `${AGENT}/tools/{name}`,
    operation: 'runTool',
    tag: 'tools',
    summary:
      'Run a tool of an agent, under its policy: what needs an approval is asked of people and not done',
    body: {
      schema: z.record(z.string(), z.unknown()).nullable(),
      mediaTypes: JSON_ONLY,
      description: 'The input of the tool as its schema has it; no body for a tool without one',
    },
    response: { status: 200, description: 'What the tool answered', schema: answers.callAnswer },
    errors: ['BRG_UNKNOWN_AGENT', 'BRG_AGENT_HELD'],
    does: {
      kind: 'ask',
      ask: ({ address, params, body, by }) => ({
        address,
        name: 'tool',
        body: { name: params['name'], input: body ?? {}, by },
        options: { durable: true, timeoutMs: limits.effectMaxMs + limits.requestTimeoutMs },
      }),
    },
  }),
];
