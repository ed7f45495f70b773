/**
 * The tools the bridge offers to MCP clients. Names, schemas and hints are data; each function asks the port once.
 * `scope` says what a caller must be allowed. What acts on a device is a call of the device's own tool: its policy holds for
 * every model, whatever way it came.
 */
import type { Clock } from '../../../base/clock.ts';
import { limits } from '../../../base/limits.ts';
import type { JsonSchema } from '../../codemode/schema-check.ts';
import type { ToolHints } from '../../tool.ts';
import type { AgentTarget, FleetPort, JsonObject } from './fleet-port.ts';
import * as schemas from './fleet-schemas.ts';

/** What a caller may do: `read` changes nothing, `act` acts within the policies of devices, `admin` may what the API may. */
export type McpScope = 'read' | 'act' | 'admin';

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
  /** Calls a tool of the device, under its policy; asks the caller's person where that wants consent. */
  tool(target: AgentTarget, name: string, input: JsonObject): Promise<JsonObject>;
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

const WAIT = {
  waitSeconds: {
    type: 'integer',
    minimum: 1,
    maximum: limits.effectMaxMs / 1000,
    description: 'how long the device may take to show it',
  },
};
const ACTS = { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true };

const actTools: readonly FleetTool[] = [
  tool({
    name: 'device_set_desired',
    title: 'Set desired state',
    description:
      'Changes what a device should be, by metric: a merge patch of its desired state. "done" means that the device has shown it. The policy of the device decides.',
    scope: 'act',
    annotations: { ...ACTS, idempotentHint: true },
    properties: { ...schemas.address, desired: { type: 'object', minProperties: 1 }, ...WAIT },
    required: ['model', 'id', 'desired'],
    outputSchema: schemas.outcome,
    run: (context, input) =>
      context.tool(input, 'set_desired', { patch: input['desired'], ...waitOf(input) }),
  }),
  tool({
    name: 'device_command',
    title: 'Send a command',
    description:
      'Sends a command to a device and waits for what comes of it. Only outcome "done" means that the device has shown it. The policy of the device decides. See the commands of `device_get`.',
    scope: 'act',
    annotations: ACTS,
    properties: {
      ...schemas.address,
      command: { type: 'string', minLength: 1, maxLength: 128 },
      argument: { description: 'as the command takes it, e.g. "open" or 21.5; none when left out' },
      ...WAIT,
    },
    required: ['model', 'id', 'command'],
    outputSchema: schemas.outcome,
    run: (context, input) => {
      const value = input['argument'] == null ? {} : { value: input['argument'] };
      return context.tool(input, 'send_command', { command: input['command'], ...value, ...waitOf(input) });
    },
  }),
  tool({
    name: 'rules_add',
    title: 'Add a rule',
    description:
      'Adds a rule to a device, e.g. {"when": {"metric": "vibration", "op": ">", "value": 9}, "forMs": 5000, "do": {"kind": "command", "name": "stop"}}. Answers it as it was understood, with its id. The policy of the device decides, now and each time it fires.',
    scope: 'act',
    annotations: ACTS,
    properties: {
      ...schemas.address,
      rule: schemas.object({ when: { type: 'object' }, do: {} }, ['when', 'do'], true),
    },
    required: ['model', 'id', 'rule'],
    outputSchema: schemas.outcome,
    run: (context, input) => context.tool(input, 'add_rule', { rule: input['rule'] }),
  }),
  tool({
    name: 'rules_delete',
    title: 'Delete a rule',
    description: 'Deletes a rule of a device by its id. One that a person made needs a person to agree.',
    scope: 'act',
    annotations: { ...ACTS, idempotentHint: true, openWorldHint: false },
    properties: {
      ...schemas.address,
      ruleId: { type: 'string', minLength: 1, maxLength: limits.ruleIdBytesMax },
    },
    required: ['model', 'id', 'ruleId'],
    outputSchema: schemas.outcome,
    run: (context, input) => context.tool(input, 'remove_rule', { id: input['ruleId'] }),
  }),
  tool({
    name: 'agent_call',
    title: 'Call an agent',
    description:
      'Calls a method an agent offers (its callables) and answers what it returned: its author’s code, which no policy of a device holds back. Creates the agent if needed.',
    scope: 'admin',
    annotations: ACTS,
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

function waitOf(input: JsonObject): JsonObject {
  return input['waitSeconds'] === undefined ? {} : { wait_seconds: input['waitSeconds'] };
}

/** In the order clients show them. */
export const fleetTools: readonly FleetTool[] = [...readTools, ...actTools];

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
