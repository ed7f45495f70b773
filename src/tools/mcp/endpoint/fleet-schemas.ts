/** JSON Schemas of what the endpoint's tools take and answer; the answers are those of docs/design/requests.md. */
import type { JsonObject } from './fleet-port.ts';

/** An object schema. `isOpen`: whether it may have other members. */
export function object(properties: JsonObject, required: readonly string[], isOpen: boolean): JsonObject {
  return { type: 'object', properties, required, additionalProperties: isOpen };
}

const ms = { type: ['integer', 'null'], description: 'ms since epoch' };
const presence = { enum: ['online', 'offline', 'never'] };
const count = { type: 'integer', minimum: 0 };

export const model = { type: 'string', pattern: '^[a-z0-9-]{1,64}$' };
export const address = {
  model: { ...model, description: 'device model, e.g. pump' },
  id: {
    type: 'string',
    pattern: '^[A-Za-z0-9._~:-]{1,128}$',
    description: 'id of the device within its model',
  },
};

const summary = object(
  {
    model: { type: 'string' },
    id: { type: 'string' },
    presence,
    lastSeen: ms,
    messages: count,
    rejected: count,
    state: {},
  },
  ['model', 'id', 'presence'],
  true,
);

export const deviceList = object(
  {
    agents: { type: 'array', items: summary },
    cursor: { type: ['string', 'null'], description: 'for the next page; null at the end' },
  },
  ['agents', 'cursor'],
  true,
);

export const device = object(
  {
    model: { type: 'string' },
    id: { type: 'string' },
    presence,
    lastSeen: ms,
    state: { description: 'last telemetry, and what the agent keeps beside it' },
    reported: { description: 'what the device says it is' },
    desired: { description: 'what it should be' },
    delta: { description: 'what it has not taken over yet' },
    version: count,
    definition: { type: 'object' },
  },
  ['model', 'id', 'presence', 'state', 'definition'],
  true,
);

const point = object(
  {
    ts: { type: 'integer' },
    min: { type: 'number' },
    max: { type: 'number' },
    mean: { type: 'number' },
    count,
  },
  ['ts', 'min', 'max', 'mean', 'count'],
  true,
);
const series = object(
  { metric: { type: 'string' }, unit: { type: ['string', 'null'] }, points: { type: 'array', items: point } },
  ['metric', 'points'],
  true,
);
export const history = object({ series: { type: 'array', items: series } }, ['series'], true);

export const rule = object({ id: { type: 'string' } }, ['id'], true);
export const ruleList = object({ rules: { type: 'array', items: rule } }, ['rules'], true);

/** What came of a call of a device's tool (docs/thinking.md). */
export const outcome = object(
  {
    outcome: {
      enum: ['done', 'sent, not confirmed', 'failed', 'expired', 'refused', 'needs-approval'],
      description: 'done: the device has shown it',
    },
    explanation: { type: 'string' },
    cid: { type: 'string' },
    evidence: { type: 'object' },
    answer: {},
    rule: { type: 'object' },
    approval: { type: 'object' },
  },
  ['outcome', 'explanation'],
  true,
);
