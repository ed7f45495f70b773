/**
 * The tools the bridge offers to MCP clients. Names, schemas and hints are data; each function asks the port once.
 * `scope` says what a caller must be allowed: `read` changes nothing, `act` may.
 */
import type { Clock } from '../../../base/clock.ts';
import { limits } from '../../../base/limits.ts';
import type { JsonSchema } from '../../codemode/schema-check.ts';
import type { ToolHints } from '../../tool.ts';
import type { AgentTarget, FleetPort, JsonObject } from './fleet-port.ts';
import * as schemas from './fleet-schemas.ts';

/** What a caller may do: `read` changes nothing. */
export type McpScope = 'read' | 'act';

export interface FleetTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly scope: McpScope;
  readonly annotations: ToolHints;
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  /** `input` fits `inputSchema`. `by`: who calls, for the audit log. */
  run(context: FleetToolContext, input: JsonObject): Promise<JsonObject>;
}

export interface FleetToolContext {
  readonly port: FleetPort;
  readonly clock: Clock;
  readonly by: string;
}

const READ: ToolHints = { readOnlyHint: true, openWorldHint: false };

/** Input that fits a schema with `model` and `id`. */
type Input = AgentTarget & JsonObject;

function tool(
  spec: Omit<FleetTool, 'inputSchema' | 'run'> & {
    readonly properties: JsonObject;
    readonly required?: readonly string[];
    readonly run: (context: FleetToolContext, input: Input) => Promise<JsonObject>;
  },
): FleetTool {
  const { properties, required = [], run, ...rest } = spec;
  const inputSchema = schemas.object(properties, required, false);
  // The endpoint has checked the input against this schema.
  return { ...rest, inputSchema, run: run as FleetTool['run'] };
}

const readTools: readonly FleetTool[] = [
  tool({
    name: 'devices_list',
    title: 'List devices',
    description:
      'Agents of this bridge, a page at a time: address, presence, last contact and state of each. Filter before paging.',
    scope: 'read',
    annotations: READ,
    properties: {
      model: { ...schemas.model, description: 'only of this model' },
      q: {
        type: 'string',
        minLength: 1,
        maxLength: limits.agentIdBytesMax,
        description: 'text in the address',
      },
      presence: { enum: ['online', 'offline', 'never'] },
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: limits.mcpDevicesMax,
        default: limits.mcpDevicesDefault,
      },
      cursor: { type: 'string', minLength: 1, maxLength: 1024, description: 'cursor of the page before' },
    },
    outputSchema: schemas.deviceList,
    run: ({ port }, input) =>
      port.list({
        model: text(input['model']),
        q: text(input['q']),
        presence: text(input['presence']),
        limit: Number(input['limit'] ?? limits.mcpDevicesDefault),
        cursor: text(input['cursor']),
      }),
  }),
  tool({
    name: 'device_get',
    title: 'Read a device',
    description:
      'One device: presence, last telemetry, reported and desired state, and what its model measures (units, ranges) and accepts as commands.',
    scope: 'read',
    annotations: READ,
    properties: schemas.address,
    required: ['model', 'id'],
    outputSchema: schemas.device,
    run: async ({ port }, input) => {
      const model = port.models().find((one) => one.model === input.model);
      const definition = {
        description: model?.['description'],
        metrics: model?.['metrics'],
        commands: model?.['commands'],
      };
      return { ...(await port.describe(input)), definition };
    },
  }),
  tool({
    name: 'device_history',
    title: 'Read history',
    description:
      'Telemetry of a device over time, downsampled to min, max and mean; one series a metric, oldest first.',
    scope: 'read',
    annotations: READ,
    properties: {
      ...schemas.address,
      metric: { type: 'string', minLength: 1, maxLength: 128, description: 'one metric; all when left out' },
      hours: {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: limits.mcpHistoryHoursMax,
        default: 24,
        description: 'how far back from now',
      },
      points: {
        type: 'integer',
        minimum: 1,
        maximum: limits.mcpHistoryPointsMax,
        default: limits.mcpHistoryPointsDefault,
      },
    },
    required: ['model', 'id'],
    outputSchema: schemas.history,
    run: ({ port, clock }, input) => {
      const toMs = clock.now();
      const fromMs = toMs - Number(input['hours'] ?? 24) * 3_600_000;
      const points = Number(input['points'] ?? limits.mcpHistoryPointsDefault);
      return port.history(input, { metric: text(input['metric']), fromMs, toMs, points });
    },
  }),
  tool({
    name: 'rules_list',
    title: 'List rules',
    description: 'Rules a device runs by itself: conditions on its metrics, and what is done then.',
    scope: 'read',
    annotations: READ,
    properties: schemas.address,
    required: ['model', 'id'],
    outputSchema: schemas.ruleList,
    run: ({ port }, input) => port.rules(input),
  }),
];

const actTools: readonly FleetTool[] = [
  tool({
    name: 'device_set_desired',
    title: 'Set desired state',
    description:
      'Changes what a device should be: a merge patch (RFC 7396) of its desired state. The device gets it when it is online; what it has not taken over yet is in `delta`. This does not say that the device did it.',
    scope: 'act',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true },
    properties: { ...schemas.address, desired: { type: 'object', minProperties: 1 } },
    required: ['model', 'id', 'desired'],
    outputSchema: schemas.desired,
    run: ({ port, by }, input) => port.setDesired(input, input['desired'] as JsonObject, by), // by the schema
  }),
  tool({
    name: 'device_command',
    title: 'Send a command',
    description:
      'Sends a command to a device and waits for its answer: done, failed, expired, or pending when it did not answer in time (it still gets the command). See the commands of `device_get`.',
    scope: 'act',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    properties: {
      ...schemas.address,
      command: { type: 'string', minLength: 1, maxLength: 128 },
      argument: { description: 'as the command takes it, e.g. "open" or 21.5; none when left out' },
      waitSeconds: {
        type: 'number',
        minimum: 0,
        maximum: limits.commandWaitMaxMs / 1000,
        default: limits.commandWaitMs / 1000,
      },
    },
    required: ['model', 'id', 'command'],
    outputSchema: schemas.commandResult,
    run: ({ port, by }, input) => {
      const waitMs = Math.round(Number(input['waitSeconds'] ?? limits.commandWaitMs / 1000) * 1000);
      const command = { name: String(input['command']), args: input['argument'] ?? null, waitMs };
      return port.command(input, command, by);
    },
  }),
  tool({
    name: 'rules_add',
    title: 'Add a rule',
    description:
      'Adds a rule to a device, e.g. {"when": {"metric": "vibration", "op": ">", "value": 9}, "forMs": 5000, "do": {"kind": "command", "name": "stop"}}. Answers it as it was understood, with its id.',
    scope: 'act',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    properties: {
      ...schemas.address,
      rule: schemas.object({ when: { type: 'object' }, do: {} }, ['when', 'do'], true),
    },
    required: ['model', 'id', 'rule'],
    outputSchema: schemas.rule,
    run: ({ port, by }, input) => port.addRule(input, input['rule'] as JsonObject, by), // by the schema
  }),
  tool({
    name: 'rules_delete',
    title: 'Delete a rule',
    description: 'Deletes a rule of a device by its id.',
    scope: 'act',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    properties: {
      ...schemas.address,
      ruleId: { type: 'string', minLength: 1, maxLength: limits.ruleIdBytesMax },
    },
    required: ['model', 'id', 'ruleId'],
    outputSchema: schemas.object({}, [], true),
    run: ({ port, by }, input) => port.deleteRule(input, String(input['ruleId']), by),
  }),
  tool({
    name: 'agent_call',
    title: 'Call an agent',
    description:
      'Calls a method an agent offers (its callables) and answers what it returned. Creates the agent if needed.',
    scope: 'act',
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    properties: {
      ...schemas.address,
      method: { type: 'string', minLength: 1, maxLength: 128 },
      args: { type: 'array', maxItems: limits.callArgumentsMax, items: {} },
    },
    required: ['model', 'id', 'method'],
    outputSchema: schemas.object({ value: {} }, [], true),
    run: ({ port, by }, input) =>
      port.call(input, String(input['method']), (input['args'] ?? []) as unknown[], by), // by the schema
  }),
];

/** In the order clients show them. */
export const fleetTools: readonly FleetTool[] = [...readTools, ...actTools];

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
