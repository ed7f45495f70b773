/** The routes of programs (Code Mode): what ran in an agent, and whether its records are whole. */
import * as answers from './answers.ts';
import { AGENT, route, type Route } from './route.ts';

export const programRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: `${AGENT}/programs`,
    operation: 'listPrograms',
    tag: 'programs',
    summary:
      'Programs that models ran in one agent: those that wait for people, and records of the newest runs',
    response: { status: 200, description: 'Newest first', schema: answers.programListAnswer },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: { kind: 'ask', ask: ({ address }) => ({ address, name: 'programs', body: {} }) },
  }),
  route({
    method: 'GET',
    path: `${AGENT}/programs/{run}`,
    operation: 'getProgram',
    tag: 'programs',
    summary: 'The text of one program: what a person reads before they approve a call that it makes',
    response: {
      status: 200,
      description: 'While it waits, and as long as its record is kept',
      schema: answers.programAnswer,
    },
    errors: ['BRG_UNKNOWN_AGENT', 'BRG_UNKNOWN_PROGRAM'],
    does: {
      kind: 'ask',
      ask: ({ address, params }) => ({ address, name: 'program', body: { run: params['run'] } }),
    },
  }),
];
