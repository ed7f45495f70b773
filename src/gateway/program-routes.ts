/** The routes of programs (Code Mode): what ran in an agent, and whether its records are whole. */
import { z } from 'zod';
import { AGENT, route, type Route } from './route.ts';

const programListAnswer = z.looseObject({
  waiting: z.array(z.looseObject({ run: z.string(), by: z.string(), approvals: z.array(z.string()) })),
  runs: z
    .array(z.looseObject({ previous: z.string(), hash: z.string(), body: z.unknown() }))
    .describe('records of the newest runs, each with the hash of the one before'),
  chain: z.looseObject({
    kept: z.number().int(),
    count: z.number().int().describe('runs since the agent exists'),
    isSound: z.boolean().describe('the kept records follow each other up to the newest'),
  }),
});

const programAnswer = z.looseObject({
  run: z.string(),
  by: z.string().describe('who had it run, as the audit log names them'),
  state: z.enum(['waiting', 'decided', 'running', 'ended']),
  text: z
    .string()
    .nullable()
    .describe('the program as the model wrote it; null when its record was too large'),
});

export const programRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: `${AGENT}/programs`,
    operation: 'listPrograms',
    tag: 'programs',
    summary:
      'Programs that models ran in one agent: those that wait for people, and records of the newest runs',
    response: { status: 200, description: 'Newest first', schema: programListAnswer },
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
      schema: programAnswer,
    },
    errors: ['BRG_UNKNOWN_AGENT', 'BRG_UNKNOWN_PROGRAM'],
    does: {
      kind: 'ask',
      ask: ({ address, params }) => ({ address, name: 'program', body: { run: params['run'] } }),
    },
  }),
];
