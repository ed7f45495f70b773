/**
 * Tools that look at the other devices of the model, to compare with. Only where the policy says so (`peers`): who may
 * ask one device need not be allowed to see another. They read: what a peer does is for its own agent.
 */
import { addressKey, isAddress } from '../../base/address.ts';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { JsonSchema } from '../../tools/index.ts';
import { search } from '../fleet/fleet-reports.ts';
import { EVERYONE } from '../fleet/fleet-scan.ts';
import { readTool, type DeviceTool, type Input } from './device-tool.ts';
import { HISTORY, historyProperties } from './read-tools.ts';
import type { ToolBench } from './tool-bench.ts';

const ID = { type: 'string', maxLength: 128, description: 'id of a device of the same model' } as const;
const PEERS: JsonSchema = {
  type: 'object',
  properties: {
    devices: {
      type: 'array',
      items: {
        type: 'object',
        properties: { id: { type: 'string' }, presence: { type: 'string' }, values: { type: 'object' } },
        required: ['id', 'presence', 'values'],
      },
    },
  },
  required: ['devices'],
};

/** @param askedBy who asks, as the audit logs name it */
export function peerTools(bench: ToolBench, askedBy: () => string): DeviceTool[] {
  if (!bench.gate.readsPeers) return [];
  const { definition } = bench.desk;
  return [
    readTool({
      name: 'list_peers',
      description: `Other devices of the model ${definition.model}, with presence and latest values.`,
      properties: { limit: { type: 'integer', minimum: 1, maximum: limits.fleetSearchMax } },
      outputSchema: PEERS,
      read: ({ limit }) => listPeers(bench, typeof limit === 'number' ? limit : limits.fleetSearchMax),
    }),
    readTool({
      name: 'read_peer_history',
      description: 'As read_history, of another device of the model.',
      properties: { id: ID, ...historyProperties(definition) },
      required: ['id', 'metric', 'minutes'],
      outputSchema: HISTORY,
      read: (input) => readPeerHistory(bench, input, askedBy()),
    }),
  ];
}

interface Found {
  readonly device: string;
  readonly presence: string;
  readonly values: unknown;
}

async function listPeers({ desk }: ToolBench, limit: number): Promise<unknown> {
  const { model } = desk.definition;
  const own = addressKey(desk.context.address);
  const found = await search(desk.context, EVERYONE, { model }, { limit: limit + 1, after: undefined });
  const { devices } = found as { devices: readonly Found[] }; // fleet-reports.ts
  const peers = devices.filter(({ device }) => device !== own).slice(0, limit);
  return {
    devices: peers.map(({ device, presence, values }) => {
      return { id: device.slice(model.length + 1), presence, values };
    }),
  };
}

async function readPeerHistory({ desk }: ToolBench, { id, ...input }: Input, by: string): Promise<unknown> {
  const { context, definition } = desk;
  const { model } = definition;
  const peer = { model, id: String(id) };
  // One that does not exist is not made by asking for it.
  const [known] = isAddress(peer.model, peer.id) ? await context.fleet.summaries([addressKey(peer)]) : [];
  if (known === undefined) {
    const message = `read_peer_history: there is no ${model} ${JSON.stringify(id)}; list_peers names them`;
    throw new BridgeError('BRG_UNKNOWN_AGENT', message);
  }
  const answer = await context.ask(peer, 'tool', { name: 'read_history', input, by });
  return (answer as { value: unknown }).value; // docs/design/requests.md
}
