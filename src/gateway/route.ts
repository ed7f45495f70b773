/**
 * What a route is, and how a request finds its own. The table (`routes.ts`) is data: the dispatcher and the
 * OpenAPI document read the same entries, so what is documented is what is checked.
 */
import type { z } from 'zod';
import type { AgentAddress } from '../base/address.ts';
import type { RequestOptions } from '../actor/index.ts';
import type { ErrorCode } from '../base/errors.ts';
import { BridgeError } from '../base/errors.ts';
import type { AccessAnswer } from './access-desk.ts';
import type { Answer } from './problem.ts';

/** Where the routes of one agent begin. */
export const AGENT = '/api/agents/{model}/{id}';
export const JSON_ONLY: readonly string[] = ['application/json'];
/** For what changes an agent: journaled before it is applied. */
export const DURABLE: RequestOptions = { durable: true };

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What the agents (or, without an address, the shards) are asked. */
export interface AgentRequest {
  readonly address: AgentAddress | null;
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly options?: RequestOptions;
  /** Of this answer, where it is not that of the route. */
  readonly status?: number;
}

/** A request after its parts were checked against the route's schemas. */
interface RouteInput<Query = Record<string, unknown>, Body = unknown> {
  /** The agent of the path; routes without `{model}/{id}` must not read it. */
  readonly address: AgentAddress;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  /** Who asks, as the audit log names it. */
  readonly by: string;
  /** The person who asks, where it was proved which; else null. */
  readonly person: string | null;
  readonly nowMs: number;
}

/** What routes answer that concern the bridge and not its agents. */
export interface LocalAnswers {
  health(): Answer;
  ready(): Answer;
  metrics(): Promise<Answer>;
  models(): Answer;
  openapi(): Answer;
}

/** A body that is a file, in the answer or in the request. */
export type TransferKind = 'export' | 'import';

interface RouteSpec<Query extends z.ZodType, Body extends z.ZodType> {
  readonly method: Method;
  /** `/api/agents/{model}/{id}`: a parameter is a whole segment. */
  readonly path: string;
  /** OpenAPI operationId; unique. */
  readonly operation: string;
  readonly tag:
    | 'agents'
    | 'telemetry'
    | 'commands'
    | 'rules'
    | 'approvals'
    | 'audit'
    | 'copies'
    | 'chat'
    | 'mcp'
    | 'tools'
    | 'schedules'
    | 'programs'
    | 'access'
    | 'bridge';
  readonly summary: string;
  readonly query?: Query;
  readonly body?: {
    readonly schema: Body;
    readonly mediaTypes: readonly string[];
    readonly description: string;
  };
  readonly response: {
    readonly status: number;
    readonly description: string;
    readonly schema: z.ZodType;
    readonly mediaType?: string;
  };
  /** Codes beside those any route may answer with. */
  readonly errors?: readonly ErrorCode[];
  readonly does:
    | {
        readonly kind: 'ask';
        readonly ask: (input: RouteInput<z.output<Query>, z.output<Body>>) => AgentRequest;
      }
    | AccessAnswer<z.output<Query>, z.output<Body>>
    | { readonly kind: 'local'; readonly answer: keyof LocalAnswers }
    | { readonly kind: 'transfer'; readonly transfer: TransferKind };
}

export type Route = RouteSpec<z.ZodType, z.ZodType> & {
  readonly does:
    | { readonly kind: 'ask'; readonly ask: (input: RouteInput<never, never>) => AgentRequest }
    | AccessAnswer<never, never>
    | { readonly kind: 'local'; readonly answer: keyof LocalAnswers }
    | { readonly kind: 'transfer'; readonly transfer: TransferKind };
};

/** Infers the types of query and body from their schemas for `ask`, then forgets them for the table. */
export function route<Query extends z.ZodType, Body extends z.ZodType>(spec: RouteSpec<Query, Body>): Route {
  // The dispatcher gives `ask` only what these very schemas have parsed.
  return spec as unknown as Route;
}

/** A route that fits the path, with its decoded path parameters. */
export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** All routes of a path, whatever their method; [] when there is none. */
export function matchRoutes(routes: readonly Route[], path: string): RouteMatch[] {
  const segments = path.split('/');
  const matches: RouteMatch[] = [];
  for (const candidate of routes) {
    const params = matchSegments(candidate.path.split('/'), segments);
    if (params !== null) matches.push({ route: candidate, params });
  }
  return matches;
}

function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | null {
  if (pattern.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (!part.startsWith('{')) {
      if (part !== segment) return null;
    } else if (segment === '') return null;
    else params[part.slice(1, -1)] = segment;
  }
  for (const [name, value] of Object.entries(params)) params[name] = decodeSegment(value);
  return params;
}

/** Percent-decoding of one path segment (RFC 3986 section 2.1); throws BRG_BAD_REQUEST. */
export function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new BridgeError('BRG_BAD_REQUEST', 'the path has a malformed percent-encoding');
  }
}
