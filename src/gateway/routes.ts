/** The route table: every HTTP path of the bridge but the dashboard's files. */
import { z } from 'zod';
import { limits } from '../base/limits.ts';
import { accessRoutes } from './access-routes.ts';
import { agentRoutes } from './agent-routes.ts';
import { approvalRoutes } from './approval-routes.ts';
import { auditRoutes } from './audit-routes.ts';
import { copyRoutes } from './copy-routes.ts';
import * as answers from './answers.ts';
import { mcpRoutes } from './mcp-routes.ts';
import { limitParameter } from './parameters.ts';
import { programRoutes } from './program-routes.ts';
import { route } from './route.ts';
import type { Route } from './route.ts';

const fleetRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/agents',
    operation: 'listAgents',
    tag: 'agents',
    summary: 'The agents, a page at a time',
    query: z.strictObject({
      model: z.string().min(1).max(limits.modelBytesMax).optional().describe('only of this model'),
      q: z.string().min(1).max(limits.agentIdBytesMax).optional().describe('text to look for in the address'),
      presence: z.enum(['online', 'offline', 'never']).optional(),
      limit: limitParameter(limits.listAgentsMax, limits.listAgentsDefault),
      cursor: z.string().min(1).max(1024).optional().describe('cursor of the page before'),
    }),
    response: { status: 200, description: 'A page', schema: answers.agentListAnswer },
    does: {
      kind: 'ask',
      ask: ({ query }) => ({
        address: null,
        name: 'list',
        body: {
          model: query.model ?? null,
          q: query.q ?? null,
          presence: query.presence ?? null,
          limit: query.limit,
          cursor: query.cursor ?? null,
        },
      }),
    },
  }),
  route({
    method: 'GET',
    path: '/api/attention',
    operation: 'listAttention',
    tag: 'agents',
    summary: 'Agents a person should look at, and why',
    query: z.strictObject({ limit: limitParameter(limits.attentionListMax, limits.listAgentsDefault) }),
    response: { status: 200, description: 'Newest first', schema: answers.attentionAnswer },
    does: {
      kind: 'ask',
      ask: ({ query }) => ({ address: null, name: 'attention', body: { limit: query.limit } }),
    },
  }),
  route({
    method: 'GET',
    path: '/api/stats',
    operation: 'readStats',
    tag: 'bridge',
    summary: 'Numbers of the bridge, summed over its shards',
    response: { status: 200, description: 'A flat object of numbers', schema: answers.statsAnswer },
    does: { kind: 'ask', ask: () => ({ address: null, name: 'stats', body: {} }) },
  }),
];

const bridgeRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/models',
    operation: 'listModels',
    tag: 'bridge',
    summary: 'The device models, with their metrics and commands',
    response: { status: 200, description: 'The models', schema: answers.modelsAnswer },
    does: { kind: 'local', answer: 'models' },
  }),
  route({
    method: 'GET',
    path: '/api/openapi.json',
    operation: 'readOpenapi',
    tag: 'bridge',
    summary: 'This document',
    response: { status: 200, description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) },
    does: { kind: 'local', answer: 'openapi' },
  }),
  route({
    method: 'GET',
    path: '/metrics',
    operation: 'readMetrics',
    tag: 'bridge',
    summary: 'Metrics for Prometheus',
    response: {
      status: 200,
      description: 'Prometheus text format',
      schema: z.string(),
      mediaType: 'text/plain',
    },
    does: { kind: 'local', answer: 'metrics' },
  }),
  route({
    method: 'GET',
    path: '/healthz',
    operation: 'readHealth',
    tag: 'bridge',
    summary: 'Whether the process lives',
    response: { status: 200, description: 'It does', schema: answers.healthAnswer },
    does: { kind: 'local', answer: 'health' },
  }),
  route({
    method: 'GET',
    path: '/readyz',
    operation: 'readReadiness',
    tag: 'bridge',
    summary: 'Whether the bridge takes messages; 503 with the reason and the progress when not',
    response: { status: 200, description: 'It is ready', schema: answers.readyAnswer },
    does: { kind: 'local', answer: 'ready' },
  }),
];

export const routes: readonly Route[] = [
  ...fleetRoutes,
  ...agentRoutes,
  ...approvalRoutes,
  ...programRoutes,
  ...mcpRoutes,
  ...auditRoutes,
  ...copyRoutes,
  ...accessRoutes,
  ...bridgeRoutes,
];
