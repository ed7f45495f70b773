/** The routes of an agent's rules. */
import { z } from 'zod';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import * as answers from './answers.ts';
import { AGENT, DURABLE, JSON_ONLY, route } from './route.ts';
import type { Route } from './route.ts';

const ruleSchema = z
  .looseObject({ when: z.looseObject({}), do: z.unknown() })
  .describe(
    'e.g. {"when": {"metric": "vibration", "op": ">", "value": 9}, "forMs": 5000, "do": {"kind": "command", "name": "stop"}}',
  );
const newRuleSchema = z.union(
  [z.strictObject({ rule: z.looseObject({}) }), z.strictObject({ text: z.string() }), ruleSchema],
  'expected {"rule": {...}}, or a rule: an object with "when" and "do"',
);

export const ruleRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: `${AGENT}/rules`,
    operation: 'listRules',
    tag: 'rules',
    summary: 'Rules of the agent',
    response: { status: 200, description: 'The rules', schema: answers.ruleListAnswer },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: { kind: 'ask', ask: ({ address }) => ({ address, name: 'rules', body: {} }) },
  }),
  route({
    method: 'POST',
    path: `${AGENT}/rules`,
    operation: 'addRule',
    tag: 'rules',
    summary: 'Add a rule',
    body: {
      schema: newRuleSchema,
      mediaTypes: JSON_ONLY,
      description: 'A rule, bare or as {"rule": ...}; {"text": ...} is answered with BRG_NOT_IMPLEMENTED',
    },
    response: {
      status: 201,
      description: 'The rule as the engine understood it',
      schema: answers.ruleAnswer,
    },
    errors: [
      'BRG_RULE',
      'BRG_RULES_FULL',
      'BRG_UNKNOWN_METRIC',
      'BRG_UNKNOWN_COMMAND',
      'BRG_NOT_IMPLEMENTED',
    ],
    does: {
      kind: 'ask',
      ask: ({ address, body, by }) => {
        if ('text' in body && !('when' in body)) {
          throw new BridgeError(
            'BRG_NOT_IMPLEMENTED',
            'rules in English are not available: send {"rule": {...}}',
          );
        }
        const rule = 'rule' in body && !('when' in body) ? body.rule : body;
        return { address, name: 'addRule', body: { rule, by }, options: DURABLE };
      },
    },
  }),
  route({
    method: 'DELETE',
    path: `${AGENT}/rules/{ruleId}`,
    operation: 'deleteRule',
    tag: 'rules',
    summary: 'Delete a rule',
    response: { status: 200, description: 'It is deleted', schema: answers.emptyAnswer },
    errors: ['BRG_UNKNOWN_RULE'],
    does: {
      kind: 'ask',
      ask: ({ address, params, by }) => ({
        address,
        name: 'deleteRule',
        body: { ruleId: params['ruleId'], by },
        options: DURABLE,
      }),
    },
  }),
  route({
    method: 'DELETE',
    path: `${AGENT}/rules`,
    operation: 'deleteRuleById',
    tag: 'rules',
    summary: 'Delete a rule named in the query',
    query: z.strictObject({ id: z.string().min(1).max(limits.ruleIdBytesMax).describe('id of the rule') }),
    response: { status: 200, description: 'It is deleted', schema: answers.emptyAnswer },
    errors: ['BRG_UNKNOWN_RULE'],
    does: {
      kind: 'ask',
      ask: ({ address, query, by }) => ({
        address,
        name: 'deleteRule',
        body: { ruleId: query.id, by },
        options: DURABLE,
      }),
    },
  }),
];
