/** The routes of an agent's rules. */
import { z } from 'zod';
import { limits } from '../base/limits.ts';
import * as answers from './answers.ts';
import { AGENT, DURABLE, JSON_ONLY, route } from './route.ts';
import type { AgentRequest, Route } from './route.ts';

const ruleSchema = z
  .looseObject({ when: z.looseObject({}), do: z.unknown() })
  .describe(
    'e.g. {"when": {"metric": "vibration", "op": ">", "value": 9}, "forMs": 5000, "do": {"kind": "command", "name": "stop"}}',
  );
const newRuleSchema = z.union(
  [
    z.strictObject({ rule: z.looseObject({}) }),
    z.strictObject({
      text: z
        .string()
        .max(limits.toolSentenceCharactersMax)
        .describe('a sentence, e.g. "when vibration is above 9 for 5 seconds, stop"'),
      zone: z
        .string()
        .max(limits.ruleZoneCharactersMax)
        .optional()
        .describe('IANA time zone of the times of day in it, where it names none'),
    }),
    ruleSchema,
  ],
  'expected {"rule": {...}}, {"text": "when ..., ..."}, or a rule: an object with "when" and "do"',
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
    query: z.strictObject({
      dryRun: z
        .enum(['true', 'false'])
        .default('false')
        .describe('only say what the rule would be, and what it would have done'),
    }),
    body: {
      schema: newRuleSchema,
      mediaTypes: JSON_ONLY,
      description: 'A rule, bare or as {"rule": ...}, or a sentence as {"text": ...}',
    },
    response: {
      status: 201,
      description:
        'The rule as the engine understood it; of a dry run 200, nothing is kept, and `wouldHaveFired` says what it would have done',
      schema: answers.ruleAnswer,
    },
    errors: [
      'BRG_RULE',
      'BRG_RULE_UNCONFIRMED',
      'BRG_RULES_FULL',
      'BRG_UNKNOWN_METRIC',
      'BRG_UNKNOWN_COMMAND',
    ],
    does: { kind: 'ask', ask: ({ address, query, body, by }) => ({ address, ...adding(query, body, by) }) },
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

/** `when` tells a bare rule from the other two, whatever else it has. */
function adding(
  { dryRun }: { readonly dryRun: string },
  body: z.output<typeof newRuleSchema>,
  by: string,
): Pick<AgentRequest, 'name' | 'body' | 'options' | 'status'> {
  const asked = 'when' in body ? { rule: body } : 'text' in body ? body : { rule: body.rule };
  if (dryRun === 'true') return { name: 'previewRule', body: asked, status: 200 };
  return { name: 'addRule', body: { ...asked, by }, options: DURABLE };
}
