/** The routes of approvals: what waits for a person's word, and giving it. */
import { z } from 'zod';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import * as answers from './answers.ts';
import { limitParameter } from './parameters.ts';
import { AGENT, DURABLE, JSON_ONLY, route } from './route.ts';
import type { Route } from './route.ts';

const status = z
  .enum(['pending', 'approved', 'denied', 'expired', 'cancelled'])
  .optional()
  .describe('only those; all when left out');

/** A person's name: something to be seen, and nothing that a log or a terminal would take for more. */
const person = z
  .string()
  .max(limits.approvalPersonCharactersMax)
  .regex(/^(?=.*\S)[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, 'a name, without control characters')
  .transform((name) => name.trim());

export const approvalRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/approvals',
    operation: 'listAllApprovals',
    tag: 'approvals',
    summary: 'Calls of tools of all agents that wait for a person, and what was said to earlier ones',
    query: z.strictObject({
      status,
      limit: limitParameter(limits.approvalListMax, limits.approvalListDefault),
      cursor: z.string().min(1).max(1024).optional().describe('cursor of the page before'),
    }),
    response: { status: 200, description: 'A page, newest first', schema: answers.approvalPageAnswer },
    does: {
      kind: 'ask',
      ask: ({ query }) => ({
        address: null,
        name: 'approvals',
        body: { status: query.status ?? null, limit: query.limit, cursor: query.cursor ?? null },
      }),
    },
  }),
  route({
    method: 'GET',
    path: `${AGENT}/approvals`,
    operation: 'listApprovals',
    tag: 'approvals',
    summary: 'Calls of tools of one agent that wait for a person, and what was said to earlier ones',
    query: z.strictObject({
      status,
      limit: limitParameter(limits.approvalListMax, limits.approvalListDefault),
    }),
    response: { status: 200, description: 'Newest first', schema: answers.approvalListAnswer },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: {
      kind: 'ask',
      ask: ({ address, query }) => ({
        address,
        name: 'approvals',
        body: { status: query.status ?? null, limit: query.limit },
      }),
    },
  }),
  route({
    method: 'POST',
    path: `${AGENT}/approvals/{approvalId}`,
    operation: 'decideApproval',
    tag: 'approvals',
    summary: 'Approve or deny a call of a tool, as a person',
    body: {
      schema: z.strictObject({
        approved: z.boolean(),
        by: person.optional(),
        reason: z.string().max(limits.approvalReasonCharactersMax).optional(),
      }),
      mediaTypes: JSON_ONLY,
      description:
        '`by`: the person who decides; a user who logged in is that person, others have to say it. The audit log has both',
    },
    response: {
      status: 200,
      description: 'As it stands now; `pending` when another person has to approve as well',
      schema: answers.approvalAnswer,
    },
    errors: ['BRG_UNKNOWN_AGENT', 'BRG_UNKNOWN_APPROVAL', 'BRG_APPROVAL_DECIDED', 'BRG_APPROVAL_SAME_PERSON'],
    does: {
      kind: 'ask',
      ask: ({ address, params, body, by, person: proven }) => ({
        address,
        name: 'decideApproval',
        body: {
          approvalId: params['approvalId'],
          approved: body.approved,
          person: deciderOf(body.by, proven),
          ...(body.reason === undefined ? {} : { reason: body.reason }),
          by,
        },
        options: DURABLE,
      }),
    },
  }),
];

/** Who has proved who they are decides as nobody else. */
function deciderOf(said: string | undefined, proven: string | null): string {
  if (proven !== null && said !== undefined && said !== proven)
    throw new BridgeError('BRG_FORBIDDEN', `you are ${proven}, and cannot decide as ${said}`);
  const decider = proven ?? said;
  if (decider !== undefined) return decider;
  throw new BridgeError('BRG_BAD_REQUEST', 'body/by: the person who decides is missing');
}
