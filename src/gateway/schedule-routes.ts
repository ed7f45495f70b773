/** The routes of what an agent will do later. */
import * as answers from './answers.ts';
import { AGENT, DURABLE, route } from './route.ts';
import type { Route } from './route.ts';

export const scheduleRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: `${AGENT}/schedules`,
    operation: 'listSchedules',
    tag: 'schedules',
    summary: 'What an agent will do later; `mooring:command` is a command that a tool has scheduled',
    response: { status: 200, description: 'By the time of the next run', schema: answers.scheduleListAnswer },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: { kind: 'ask', ask: ({ address }) => ({ address, name: 'schedules', body: {} }) },
  }),
  route({
    method: 'DELETE',
    path: `${AGENT}/schedules/{scheduleId}`,
    operation: 'cancelSchedule',
    tag: 'schedules',
    summary: 'Cancel one',
    response: { status: 200, description: 'It will not run any more', schema: answers.emptyAnswer },
    errors: ['BRG_UNKNOWN_AGENT', 'BRG_UNKNOWN_SCHEDULE'],
    does: {
      kind: 'ask',
      ask: ({ address, params, by }) => ({
        address,
        name: 'cancelSchedule',
        body: { scheduleId: params['scheduleId'], by },
        options: DURABLE,
      }),
    },
  }),
];
