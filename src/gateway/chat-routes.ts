/** The routes of an agent's chat. */
import * as answers from './answers.ts';
import { AGENT, route } from './route.ts';
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
];
