/** The OpenAPI 3.1 document, made from the route table. */
import { z } from 'zod';
import type { ErrorCode } from '../base/errors.ts';
import { errorSpec } from '../base/errors.ts';
import { pathParameters } from './parameters.ts';
import { PROBLEM_TYPE } from './problem.ts';
import type { Route } from './route.ts';
import { scopeOf } from './scopes.ts';

type Json = Record<string, unknown>;

/** Any route may answer with these. */
const COMMON_ERRORS: readonly ErrorCode[] = ['BRG_BAD_REQUEST', 'BRG_FORBIDDEN', 'BRG_INTERNAL'];
const TOKEN_ERRORS: readonly ErrorCode[] = ['BRG_UNAUTHORIZED', 'BRG_RATE'];
const ASK_ERRORS: readonly ErrorCode[] = ['BRG_BUSY', 'BRG_STOPPING', 'BRG_SHARD_RESTARTED', 'BRG_TIMEOUT'];
const ADDRESS_ERRORS: readonly ErrorCode[] = ['BRG_ADDRESS', 'BRG_UNKNOWN_MODEL'];
const BODY_ERRORS: readonly ErrorCode[] = ['BRG_BODY_TOO_LARGE', 'BRG_UNSUPPORTED_MEDIA'];

const problem = z
  .looseObject({
    type: z.string().describe('urn:mooring:error: and the code'),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().describe('what was wrong with this request'),
    code: z.string().describe('stable; docs/errors.md explains each'),
    instance: z.string().describe('names this occurrence in the log of the bridge'),
  })
  .describe('Problem details, RFC 9457');

/** The document for these routes; plain JSON. `version` is the bridge's. */
export function describeRoutes(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = (paths[route.path] ??= {});
    path[route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Mooring',
      version,
      description: 'Every device has a durable, stateful agent.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    // An empty requirement beside the token: where nobody is known the API is open on loopback.
    security: [{}, { bearer: [] }, { query: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        query: { type: 'apiKey', in: 'query', name: 'token' },
      },
      schemas: { Problem: schemaOf(problem, 'output') },
    },
  };
}

function operation(route: Route): Json {
  const scope = scopeOf(route);
  return {
    operationId: route.operation,
    tags: [route.tag],
    summary: route.summary,
    ...(scope === null ? {} : { 'x-scope': scope }), // of the token; docs/security.md
    parameters: [...pathParametersOf(route), ...queryParametersOf(route)],
    ...(route.body === undefined ? {} : { requestBody: requestBody(route.body) }),
    responses: {
      [route.response.status]: {
        description: route.response.description,
        content: {
          [route.response.mediaType ?? 'application/json']: {
            schema: schemaOf(route.response.schema, 'output'),
          },
        },
      },
      ...problemResponses(route),
    },
  };
}

function pathParametersOf(route: Route): Json[] {
  return [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => {
    const { description, ...schema } = schemaOf(pathParameters[name] ?? z.string(), 'input');
    return { name, in: 'path', required: true, description, schema };
  });
}

function queryParametersOf(route: Route): Json[] {
  if (route.query === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(route.query, 'input') as {
    properties?: Record<string, Json>; // queries are object schemas
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

function requestBody(body: NonNullable<Route['body']>): Json {
  const schema = schemaOf(body.schema, 'input');
  return {
    description: body.description,
    required: !body.schema.safeParse(null).success,
    content: Object.fromEntries(body.mediaTypes.map((mediaType) => [mediaType, { schema }])),
  };
}

function problemResponses(route: Route): Json {
  const hasAddress = route.path.includes('{model}');
  const codes = new Set([
    ...COMMON_ERRORS,
    ...(/^\/(api|metrics)/.test(route.path) ? TOKEN_ERRORS : []),
    ...(route.does.kind === 'ask' ? ASK_ERRORS : []),
    ...(hasAddress ? ADDRESS_ERRORS : []),
    ...(route.body === undefined ? [] : BODY_ERRORS),
    ...(route.errors ?? []),
  ]);
  const byStatus = Map.groupBy(codes, (code) => errorSpec(code).status);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map((code) => `\`${code}\`: ${errorSpec(code).title}`).join('; '),
        content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
