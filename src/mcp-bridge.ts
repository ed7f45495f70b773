/** The bridge as an MCP server: what its endpoint asks, answered by the agents. */
import type { ActorRuntime, RequestOptions } from './actor/index.ts';
import { isAddress } from './base/address.ts';
import { BridgeError } from './base/errors.ts';
import { limits } from './base/limits.ts';
import type { Log } from './base/log.ts';
import type { ModelDescription } from './device/index.ts';
import {
  loadMcp,
  type AgentTarget,
  type FleetPort,
  type JsonObject,
  type McpEndpoint,
} from './tools/index.ts';

const TOOL: RequestOptions = { durable: true, timeoutMs: limits.effectMaxMs + limits.requestTimeoutMs };

/** The endpoint for `/mcp`. The SDK behind it is loaded with the first request: a bridge nobody asks starts faster. */
export function mcpEndpoint(options: {
  readonly runtime: ActorRuntime;
  readonly models: readonly ModelDescription[];
  readonly version: string;
  readonly log: Log;
}): McpEndpoint {
  let loading: Promise<McpEndpoint> | undefined;
  const load = async (): Promise<McpEndpoint> => {
    const { createMcpEndpoint } = await loadMcp();
    return createMcpEndpoint(fleetPort(options.runtime, options.models), options);
  };
  return {
    fetch: async (request, caller) => (await (loading ??= load())).fetch(request, caller),
    close: async () => (await loading)?.close(),
  };
}

/** As the routes of the gateway ask (docs/design/requests.md), so that both answer alike. */
function fleetPort(runtime: ActorRuntime, models: readonly ModelDescription[]): FleetPort {
  const known = new Set(models.map(({ model }) => model));
  const ask = async (
    target: AgentTarget,
    name: string,
    body: JsonObject,
    options?: RequestOptions,
  ): Promise<JsonObject> => {
    const { model, id } = checkTarget(target, known);
    return (await runtime.request({ model, id }, name, body, options)) as JsonObject; // every answer is an object
  };
  return {
    models: () => models.map((model) => ({ ...model })),
    list: async (query) => (await runtime.request(null, 'list', query)) as JsonObject, // {agents, cursor}
    describe: (target) => ask(target, 'describe', {}),
    history: (target, query) => ask(target, 'history', query),
    rules: (target) => ask(target, 'rules', {}),
    tool: async (target, call, by) => {
      const { value } = await ask(target, 'tool', { ...call, by }, TOOL);
      return value as JsonObject; // what acts answers an outcome (docs/thinking.md)
    },
    call: (target, method, args, by) =>
      ask(target, 'call', { method, args, by }, { durable: true, create: true }),
  };
}

/** Throws BRG_ADDRESS or BRG_UNKNOWN_MODEL. */
function checkTarget(target: AgentTarget, known: ReadonlySet<string>): AgentTarget {
  const { model, id } = target;
  if (!isAddress(model, id)) {
    throw new BridgeError('BRG_ADDRESS', 'a model is [a-z0-9-]{1,64}, an id [A-Za-z0-9._~:-]{1,128}');
  }
  if (known.has(model)) return target;
  throw new BridgeError(
    'BRG_UNKNOWN_MODEL',
    `there is no model ${model}; there are ${[...known].join(', ')}`,
  );
}
