/**
 * What a model may do with many devices: look at all of them without a row for each in its prompt, name groups, and ask
 * one device. What acts on a device runs there, as a tool of its own agent: its policy, its approvals, its audit log.
 */
import type { ActorContext } from '../../actor/index.ts';
import { addressKey, parseAddress, type AgentAddress } from '../../base/address.ts';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { JsonSchema, Tool } from '../../tools/index.ts';
import { readTool, type Input, type ReadSpec } from '../device-tools/device-tool.ts';
import { ALL, FleetGroups, groupOf } from './fleet-groups.ts';
import { compare, overview, search } from './fleet-reports.ts';
import { EVERYONE, isIn, OPERATOR_NAMES, type FleetFilter, type FleetScope } from './fleet-scan.ts';

const TEXT = { type: 'string', maxLength: 200 } as const;
const DEVICE = { ...TEXT, description: 'model/id' } as const;
const ANSWER: JsonSchema = { type: 'object' };
const FILTER = {
  model: TEXT,
  presence: { enum: ['online', 'offline', 'never'] },
  text: { ...TEXT, description: 'part of model/id' },
  silent_minutes: { type: 'number', minimum: 0, description: 'nothing heard of it for so long' },
  metric: { ...TEXT, description: 'it has this metric; with op and value: on its last value' },
  op: { enum: OPERATOR_NAMES },
  value: { type: ['number', 'boolean', 'string'] },
} as const;
const GROUP = { group: { ...TEXT, description: 'only devices of this group' } } as const;

export class FleetTools {
  readonly #context: ActorContext;
  readonly #groups: FleetGroups;

  constructor(context: ActorContext) {
    this.#context = context;
    this.#groups = new FleetGroups(context);
  }

  /** The groups, for the agents of groups. */
  get groups(): Readonly<Record<string, FleetScope>> {
    return this.#groups.all;
  }

  /** @param by who asks, as the audit logs of the devices name it */
  list(by: string): Tool[] {
    const isOfAll = this.#context.address.id === ALL;
    return [
      readTool(this.#overview(isOfAll)),
      readTool(this.#search(isOfAll)),
      readTool(this.#compare(isOfAll)),
      ...(isOfAll ? [acting(this.#groupsTool())] : []),
      readTool(this.#deviceTools()),
      acting(this.#deviceTool(by)),
      acting(this.#askDevice(by)),
    ];
  }

  #overview(isOfAll: boolean): ReadSpec {
    return {
      name: 'fleet_overview',
      description: 'How many devices there are by model and presence, and how many need attention and why.',
      properties: isOfAll ? GROUP : {},
      outputSchema: ANSWER,
      read: async (input) => overview(this.#context, await this.#scope(input)),
    };
  }

  #search(isOfAll: boolean): ReadSpec {
    return {
      name: 'fleet_search',
      description:
        'Devices by model, presence, text, or the last value of a metric (metric temperature, op >, value 30): how many match, and a page of them.',
      properties: {
        ...FILTER,
        ...(isOfAll ? GROUP : {}),
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: limits.fleetSearchMax,
          default: limits.fleetSearchDefault,
        },
        after: { ...DEVICE, description: '`next` of the page before' },
      },
      outputSchema: ANSWER,
      read: async (input) => {
        const { limit, after } = input;
        return search(this.#context, await this.#scope(input), filterOf(input), {
          limit: typeof limit === 'number' ? limit : limits.fleetSearchDefault,
          after: typeof after === 'string' ? after : undefined,
        });
      },
    };
  }

  #compare(isOfAll: boolean): ReadSpec {
    return {
      name: 'fleet_compare',
      description: 'Last values of one metric over many devices: min, mean, max, the highest and the lowest.',
      properties: { ...FILTER, ...(isOfAll ? GROUP : {}) },
      required: ['metric'],
      outputSchema: ANSWER,
      read: async (input) => {
        const metric = String(input['metric']);
        return compare(this.#context, await this.#scope(input), { ...filterOf(input), metric });
      },
    };
  }

  #groupsTool(): ReadSpec {
    return {
      name: 'fleet_groups',
      description:
        'Named groups: list them, save one (members, or a search by the other fields), delete one.',
      properties: {
        action: { enum: ['list', 'save', 'delete'] },
        name: TEXT,
        members: { type: 'array', items: DEVICE, maxItems: limits.fleetGroupMembersMax },
        ...FILTER,
      },
      required: ['action'],
      outputSchema: ANSWER,
      read: (input) => this.#onGroups(input),
    };
  }

  async #onGroups(input: Input): Promise<object> {
    const { action, name, members } = input;
    if (action === 'list') return { groups: this.groups };
    if (typeof name !== 'string') throw new BridgeError('BRG_BAD_REQUEST', 'fleet_groups: name is missing');
    if (action === 'delete') {
      this.#groups.delete(name);
      return { deleted: name };
    }
    const filter = filterOf(input);
    const isSearch = Object.keys(filter).length > 0;
    if (isSearch === Array.isArray(members))
      throw new BridgeError('BRG_BAD_REQUEST', 'fleet_groups: give members, or fields of a search');
    await this.#groups.save(
      name,
      isSearch ? { kind: 'search', filter } : { kind: 'members', members: members as readonly string[] }, // as the schema has it
    );
    return { saved: name, group: this.#groups.get(name), agent: `fleet/${name}` };
  }

  #deviceTools(): ReadSpec {
    return {
      name: 'device_tools',
      description: 'The tools of one device, with their inputs: for device_tool.',
      properties: { device: DEVICE },
      required: ['device'],
      outputSchema: ANSWER,
      read: async (input) => {
        const answer = await this.#context.ask(await this.#device(input), 'tools', {});
        const { tools } = answer as {
          tools: readonly { name: string; description: string; inputSchema: unknown }[];
        }; // docs/design/requests.md
        return {
          tools: tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema })),
        };
      },
    };
  }

  #deviceTool(by: string): ReadSpec {
    return {
      name: 'device_tool',
      description:
        'Runs a tool of one device, there and under its policy: read_state, read_history, send_command, set_desired, add_rule, schedule_command and others. Only outcome "done" means that it was done.',
      properties: { device: DEVICE, tool: TEXT, input: { type: 'object' } },
      required: ['device', 'tool'],
      outputSchema: ANSWER,
      read: async (input) => {
        const device = await this.#device(input);
        const body = { name: input['tool'], input: input['input'] ?? {}, by };
        const timeoutMs = limits.effectMaxMs + limits.requestTimeoutMs;
        const answer = await this.#context.ask(device, 'tool', body, timeoutMs);
        return { device: addressKey(device), answer: (answer as { value: unknown }).value }; // docs/design/requests.md
      },
    };
  }

  #askDevice(by: string): ReadSpec {
    return {
      name: 'ask_device',
      description:
        'Asks the agent of one device something in words; it may use its own tools, within its policy.',
      properties: { device: DEVICE, question: { type: 'string', maxLength: 2000 } },
      required: ['device', 'question'],
      outputSchema: ANSWER,
      read: async (input) => {
        const device = await this.#device(input);
        const waitMs = limits.fleetAskWaitMs;
        const body = { text: String(input['question']), by, waitMs };
        const answer = await this.#context.ask(device, 'ask', body, waitMs + limits.requestTimeoutMs);
        return { device: addressKey(device), ...(answer as object) }; // docs/design/requests.md
      },
    };
  }

  /** Rejects with BridgeError BRG_UNKNOWN_AGENT for one that does not exist, or is not of this fleet; it is not created. */
  async #device(input: Input): Promise<AgentAddress> {
    const key = String(input['device']);
    const address = parseAddress(key);
    const [row] = address === undefined ? [] : await this.#context.fleet.summaries([key]);
    if (address !== undefined && row !== undefined && isIn(row, await this.#own(), this.#context.now()))
      return address;
    throw new BridgeError(
      'BRG_UNKNOWN_AGENT',
      `there is no device ${JSON.stringify(key)}; fleet_search finds them`,
    );
  }

  async #scope({ group }: Input): Promise<FleetScope> {
    return typeof group === 'string' ? this.#groups.get(group) : this.#own();
  }

  /** All devices that this agent is for. */
  async #own(): Promise<FleetScope> {
    const { model, id } = this.#context.address;
    if (id === ALL) return EVERYONE;
    const answer = await this.#context.ask({ model, id: ALL }, 'groups', {});
    return groupOf((answer as { groups: Readonly<Record<string, FleetScope>> }).groups, id); // FleetDesk
  }
}

/** It may change something. */
function acting(spec: ReadSpec): Tool {
  const { name, description, inputSchema, outputSchema, execute } = readTool(spec);
  const annotations = { readOnlyHint: false, destructiveHint: true, openWorldHint: false };
  return {
    name,
    description,
    inputSchema,
    ...(outputSchema === undefined ? {} : { outputSchema }),
    annotations,
    execute,
  };
}

/** @throws BridgeError BRG_BAD_REQUEST for half a condition */
function filterOf(input: Input): FleetFilter {
  const given = Object.keys(FILTER).flatMap((name) =>
    input[name] === undefined ? [] : [[name === 'silent_minutes' ? 'silentMinutes' : name, input[name]]],
  );
  const filter = Object.fromEntries(given) as FleetFilter; // as the schema has it
  const { metric, op, value } = filter;
  const isHalf = (op === undefined) !== (value === undefined) || (op !== undefined && metric === undefined);
  if (isHalf) throw new BridgeError('BRG_BAD_REQUEST', 'a condition has metric, op and value');
  return filter;
}
