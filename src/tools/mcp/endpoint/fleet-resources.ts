/** What MCP clients can read without a tool: `iot://devices`, a device, its state, its history. All JSON. */
import { ResourceNotFoundError, ResourceTemplate, type McpServer } from '@modelcontextprotocol/server';
import type { Clock } from '../../../base/clock.ts';
import { asBridgeError, BridgeError, errorSpec, publicMessage } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import type { AgentTarget, FleetPort, JsonObject } from './fleet-port.ts';

const JSON_TYPE = 'application/json';
const DEVICE = 'iot://devices/{model}/{id}';
/** Suggestions for one argument; the protocol allows 100. */
const SUGGESTIONS_MAX = 20;

type Variables = Readonly<Record<string, string | string[]>>;

/** Registers the resources; each answers with what the port says then. */
export function addFleetResources(server: McpServer, port: FleetPort, clock: Clock): void {
  server.registerResource(
    'devices',
    'iot://devices',
    {
      title: 'Devices',
      description: 'The first devices; devices_list pages and filters',
      mimeType: JSON_TYPE,
    },
    (uri) => read(uri, () => listed(port, null, limits.mcpDevicesMax)),
  );
  const add = (
    name: string,
    template: string,
    description: string,
    answer: (target: AgentTarget, variables: Variables) => Promise<JsonObject>,
  ): void => {
    const complete = completions(port);
    server.registerResource(
      name,
      new ResourceTemplate(template, { list: undefined, complete }),
      { description, mimeType: JSON_TYPE },
      (uri, variables) => read(uri, () => answer(targetOf(variables), variables)),
    );
  };
  add('device', DEVICE, 'One device: presence, state, twin, counters', (target) => port.describe(target));
  add('device-state', `${DEVICE}/state`, 'State, and what is reported and desired', async (target) => {
    const { presence, lastSeen, state, reported, desired, delta, version } = await port.describe(target);
    return { ...target, presence, lastSeen, state, reported, desired, delta, version };
  });
  add('device-history', `${DEVICE}/history{?metric,hours}`, 'Telemetry, downsampled', (target, variables) =>
    history(port, clock, target, variables),
  );
}

/** Arguments as a client types them: models by their name, ids by what their address contains. */
function completions(port: FleetPort): {
  model: (value: string) => string[];
  id: (value: string, context?: { arguments?: Record<string, string> }) => Promise<string[]>;
} {
  return {
    model: (value) =>
      port
        .models()
        .map(({ model }) => model)
        .filter((model) => model.startsWith(value))
        .slice(0, SUGGESTIONS_MAX),
    id: async (value, context) => {
      const model = context?.arguments?.['model'] ?? null;
      const { agents } = await listed(port, model, SUGGESTIONS_MAX, value === '' ? null : value);
      return agents.map(({ id }) => String(id)).filter((id) => id.startsWith(value));
    },
  };
}

async function listed(
  port: FleetPort,
  model: string | null,
  limit: number,
  q: string | null = null,
): Promise<JsonObject & { agents: readonly JsonObject[] }> {
  const page = await port.list({ model, q, presence: null, limit, cursor: null });
  return page as JsonObject & { agents: readonly JsonObject[] }; // docs/design/requests.md
}

function history(
  port: FleetPort,
  clock: Clock,
  target: AgentTarget,
  variables: Variables,
): Promise<JsonObject> {
  const hours = Number(variables['hours'] ?? 24);
  if (!(hours > 0 && hours <= limits.mcpHistoryHoursMax)) {
    throw new BridgeError(
      'BRG_BAD_REQUEST',
      `hours is a number above 0, at most ${limits.mcpHistoryHoursMax}`,
    );
  }
  const metric = variables['metric'] === undefined ? null : String(variables['metric']);
  const toMs = clock.now();
  const fromMs = toMs - hours * 3_600_000;
  return port.history(target, { metric, fromMs, toMs, points: limits.mcpHistoryPointsDefault });
}

function targetOf(variables: Variables): AgentTarget {
  return { model: String(variables['model']), id: decodeURIComponent(String(variables['id'])) };
}

/** What does not exist is -32002 (-32602 from 2026-07-28 on), all else an error with its code. */
async function read(
  uri: URL,
  answer: () => Promise<JsonObject>,
): Promise<{ contents: { uri: string; mimeType: string; text: string }[] }> {
  try {
    return { contents: [{ uri: uri.href, mimeType: JSON_TYPE, text: JSON.stringify(await answer()) }] };
  } catch (error) {
    const failure = asBridgeError(error);
    const { code, message } = failure;
    if (errorSpec(code).status === 404) throw new ResourceNotFoundError(uri.href, `${code}: ${message}`);
    throw new Error(`${code}: ${publicMessage(failure)}`);
  }
}
