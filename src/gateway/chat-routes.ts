/** The routes of an agent's chat. */
import { z } from 'zod';
import { limits } from '../base/limits.ts';
import * as answers from './answers.ts';
import { durationParameter } from './parameters.ts';
import { AGENT, DURABLE, JSON_ONLY, route } from './route.ts';
import type { Route } from './route.ts';

export const chatRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: `${AGENT}/messages`,
    operation: 'listMessages',
    tag: 'chat',
    summary: 'The messages of the chat with an agent: the newest, as many as one answer holds',
    response: { status: 200, description: 'Oldest first', schema: answers.messageListAnswer },
    errors: ['BRG_UNKNOWN_AGENT', 'BRG_NOT_FOUND'],
    does: { kind: 'ask', ask: ({ address }) => ({ address, name: 'messages', body: {} }) },
  }),
  route({
    method: 'POST',
    path: `${AGENT}/ask`,
    operation: 'askAgent',
    tag: 'chat',
    summary: 'Ask an agent something, and wait for its answer',
    query: z.strictObject({
      wait: durationParameter(
        limits.chatAskWaitMaxMs,
        limits.chatAskWaitMs,
        'How long to wait for the answer',
      ),
    }),
    body: {
      schema: z.strictObject({
        text: z.string().trim().min(1).max(limits.chatQuestionCharactersMax).describe('the question'),
        by: z.string().min(1).max(128).optional().describe('who asks, for people; default: who called'),
      }),
      mediaTypes: JSON_ONLY,
      description: 'The question; it becomes a message of the chat',
    },
    response: {
      status: 200,
      description:
        '`waiting-for-approval`: a person has to decide first; `failed`: `code` says why. `BRG_TIMEOUT`: it goes on in the chat',
      schema: answers.askAnswer,
    },
    errors: ['BRG_UNKNOWN_AGENT', 'BRG_NOT_FOUND', 'BRG_BUSY', 'BRG_AGENT_FULL', 'BRG_AGENT_HELD'],
    does: {
      kind: 'ask',
      ask: ({ address, query, body, by }) => ({
        address,
        name: 'ask',
        body: { text: body.text, by: body.by ?? by, waitMs: query.wait },
        options: { ...DURABLE, timeoutMs: query.wait + limits.requestTimeoutMs },
      }),
    },
  }),
];
