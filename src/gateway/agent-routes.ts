/** The routes of one agent. */
import { z } from 'zod';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import * as answers from './answers.ts';
import { chatRoutes } from './chat-routes.ts';
import { durationParameter, limitParameter, resolveTime, timeParameter } from './parameters.ts';
import { AGENT, DURABLE, JSON_ONLY, route } from './route.ts';
import type { Route } from './route.ts';
import { ruleRoutes } from './rule-routes.ts';
import { scheduleRoutes } from './schedule-routes.ts';
import { toolRoutes } from './tool-routes.ts';

const describeRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: AGENT,
    operation: 'describeAgent',
    tag: 'agents',
    summary: 'One agent: presence, state, twin and counters',
    response: { status: 200, description: 'The agent', schema: answers.agentAnswer },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: { kind: 'ask', ask: ({ address }) => ({ address, name: 'describe', body: {} }) },
  }),
  route({
    method: 'DELETE',
    path: AGENT,
    operation: 'forgetAgent',
    tag: 'agents',
    summary: 'Forget an agent: its state, history, rules and commands',
    response: { status: 200, description: 'It is forgotten', schema: answers.emptyAnswer },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: {
      kind: 'ask',
      ask: ({ address, by }) => ({ address, name: 'forget', body: { by }, options: DURABLE }),
    },
  }),
  route({
    method: 'POST',
    path: `${AGENT}/hibernate`,
    operation: 'hibernateAgent',
    tag: 'agents',
    summary: 'Let an agent leave memory now; connections stay open, and its next message wakes it',
    response: {
      status: 200,
      description: 'Whether it is asleep, else what holds it in memory',
      schema: answers.hibernateAnswer,
    },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: { kind: 'ask', ask: ({ address }) => ({ address, name: 'hibernate', body: {} }) },
  }),
  route({
    method: 'PATCH',
    path: `${AGENT}/desired`,
    operation: 'patchDesired',
    tag: 'agents',
    summary: 'Change what the device should be (a merge patch of its desired state)',
    body: {
      schema: z.record(z.string(), z.unknown()),
      mediaTypes: ['application/merge-patch+json', 'application/json'],
      description: 'Merge patch (RFC 7396) of the desired state; null removes a key',
    },
    response: {
      status: 200,
      description: 'The new version, and what the device still has to change',
      schema: answers.desiredAnswer,
    },
    errors: ['BRG_STATE_TOO_LARGE', 'BRG_UNKNOWN_METRIC', 'BRG_PAYLOAD_RANGE'],
    does: {
      kind: 'ask',
      ask: ({ address, body, by }) => ({
        address,
        name: 'patchDesired',
        body: { patch: body, by },
        options: DURABLE,
      }),
    },
  }),
  route({
    method: 'POST',
    path: `${AGENT}/call/{method}`,
    operation: 'callAgent',
    tag: 'agents',
    summary: 'Call a callable of the agent',
    body: {
      schema: z
        .strictObject({ args: z.array(z.unknown()).max(limits.callArgumentsMax).default([]) })
        .nullable(),
      mediaTypes: JSON_ONLY,
      description: 'The arguments; no body means none',
    },
    response: { status: 200, description: 'What the callable returned', schema: answers.callAnswer },
    does: {
      kind: 'ask',
      ask: ({ address, params, body, by }) => ({
        address,
        name: 'call',
        body: { method: params['method'], args: body?.args ?? [], by },
        // As a message of the device does, a call brings its agent into being.
        options: { ...DURABLE, create: true },
      }),
    },
  }),
];

const telemetryRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: `${AGENT}/telemetry`,
    operation: 'readHistory',
    tag: 'telemetry',
    summary: 'History of one metric or of all, downsampled to min, max and mean',
    query: z.strictObject({
      metric: z.string().min(1).max(128).optional().describe('a metric of the model; all when left out'),
      from: timeParameter('Start', '-24h'),
      to: timeParameter('End', 'now'),
      points: z.coerce
        .number()
        .int()
        .min(1)
        .max(limits.historyPointsMax)
        .default(limits.historyPointsDefault)
        .describe('points of a series, at most'),
    }),
    response: {
      status: 200,
      description: 'One series a metric, oldest point first',
      schema: answers.historyAnswer,
    },
    errors: ['BRG_UNKNOWN_AGENT', 'BRG_UNKNOWN_METRIC'],
    does: {
      kind: 'ask',
      ask: ({ address, query, nowMs }) => {
        const fromMs = resolveTime(query.from, nowMs);
        const toMs = resolveTime(query.to, nowMs);
        if (fromMs > toMs) throw new BridgeError('BRG_BAD_REQUEST', 'query: from must not be after to');
        return {
          address,
          name: 'history',
          body: { metric: query.metric ?? null, fromMs, toMs, points: query.points },
        };
      },
    },
  }),
  route({
    method: 'GET',
    path: `${AGENT}/telemetry/count`,
    operation: 'countTelemetry',
    tag: 'telemetry',
    summary: 'How many messages of the device were accepted, applied, rejected, or came twice',
    response: { status: 200, description: 'Counts since the agent exists', schema: answers.countAnswer },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: { kind: 'ask', ask: ({ address }) => ({ address, name: 'count', body: {} }) },
  }),
  route({
    method: 'GET',
    path: `${AGENT}/rejected`,
    operation: 'listRejected',
    tag: 'telemetry',
    summary: 'Messages of the device that were not applied, and why',
    query: z.strictObject({
      limit: limitParameter(limits.deadLettersPerAgentMax, limits.deadLettersPerAgentMax),
    }),
    response: { status: 200, description: 'Newest first', schema: answers.rejectedAnswer },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: {
      kind: 'ask',
      ask: ({ address, query }) => ({ address, name: 'rejected', body: { limit: query.limit } }),
    },
  }),
  route({
    method: 'GET',
    path: `${AGENT}/alerts`,
    operation: 'listAlerts',
    tag: 'telemetry',
    summary: 'Alerts and notices the rules of the agent have raised',
    query: z.strictObject({ limit: limitParameter(limits.alertsPerAgentMax, limits.alertsPerAgentMax) }),
    response: { status: 200, description: 'Newest first', schema: answers.alertListAnswer },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: {
      kind: 'ask',
      ask: ({ address, query }) => ({ address, name: 'alerts', body: { limit: query.limit } }),
    },
  }),
];

const COMMANDS_MAX = limits.commandsPendingMax + limits.commandsFinishedMax;

const commandRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: `${AGENT}/commands/{name}`,
    operation: 'sendCommand',
    tag: 'commands',
    summary: 'Send a command to the device and wait for its answer',
    query: z.strictObject({
      timeout: durationParameter(
        limits.commandWaitMaxMs,
        limits.commandWaitMs,
        'How long to wait for the device',
      ),
      ttl: durationParameter(
        limits.commandTtlMaxMs,
        limits.commandTtlMs,
        'How long a sleeping device may take',
      ),
    }),
    body: {
      schema: z.unknown(),
      mediaTypes: JSON_ONLY,
      description:
        'The argument itself as a JSON value, e.g. "open" or 21.5; no body for a command without one',
    },
    response: {
      status: 200,
      description:
        '`pending` when the device did not answer in time: it still gets the command until its ttl',
      schema: answers.commandAnswer,
    },
    errors: ['BRG_UNKNOWN_COMMAND', 'BRG_COMMAND_ARGUMENT', 'BRG_COMMANDS_FULL'],
    does: {
      kind: 'ask',
      ask: ({ address, params, query, body, by }) => ({
        address,
        name: 'command',
        body: { name: params['name'], args: body, waitMs: query.timeout, ttlMs: query.ttl, by },
        options: { durable: true, timeoutMs: query.timeout + limits.requestTimeoutMs },
      }),
    },
  }),
  route({
    method: 'GET',
    path: `${AGENT}/commands`,
    operation: 'listCommands',
    tag: 'commands',
    summary: 'Commands that wait for the device, and the last that ended',
    query: z.strictObject({ limit: limitParameter(COMMANDS_MAX, COMMANDS_MAX) }),
    response: { status: 200, description: 'Newest first', schema: answers.commandListAnswer },
    errors: ['BRG_UNKNOWN_AGENT'],
    does: {
      kind: 'ask',
      ask: ({ address, query }) => ({ address, name: 'commands', body: { limit: query.limit } }),
    },
  }),
];

export const agentRoutes: readonly Route[] = [
  ...describeRoutes,
  ...telemetryRoutes,
  ...commandRoutes,
  ...ruleRoutes,
  ...chatRoutes,
  ...toolRoutes,
  ...scheduleRoutes,
];
