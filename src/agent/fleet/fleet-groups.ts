/** Named groups of devices: a search under a name, or a list. They are a document of the agent at `fleet/all`. */
import type { ActorContext } from '../../actor/index.ts';
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { inOrder, type FleetScope } from './fleet-scan.ts';

const CELL = 'fleetGroups';
/** A group is an agent, too: its name is an id. */
const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** The id of the agent that has all devices, and the groups. */
export const ALL = 'all';

export class FleetGroups {
  readonly #context: ActorContext;

  constructor(context: ActorContext) {
    this.#context = context;
  }

  get all(): Readonly<Record<string, FleetScope>> {
    // Only this class writes it.
    return (this.#context.cell(CELL) as Readonly<Record<string, FleetScope>> | undefined) ?? {};
  }

  /** Rejects with BridgeError BRG_BAD_REQUEST; nothing is saved then. */
  async save(name: string, scope: FleetScope): Promise<void> {
    if (!NAME.test(name) || name === ALL)
      throw new BridgeError('BRG_BAD_REQUEST', `a group is named ${NAME.source}, and not "${ALL}"`);
    const checked = await this.#checked(scope);
    const groups = this.all;
    if (!Object.hasOwn(groups, name) && Object.keys(groups).length >= limits.fleetGroupsMax)
      throw new BridgeError('BRG_BAD_REQUEST', `there are ${limits.fleetGroupsMax} groups, the limit`);
    this.#context.setCell(CELL, { ...groups, [name]: checked });
  }

  /** @throws BridgeError BRG_NOT_FOUND */
  delete(name: string): void {
    this.get(name);
    const { [name]: _, ...others } = this.all;
    this.#context.setCell(CELL, Object.keys(others).length === 0 ? undefined : others);
  }

  /** @throws BridgeError BRG_NOT_FOUND */
  get(name: string): FleetScope {
    return groupOf(this.all, name);
  }

  async #checked(scope: FleetScope): Promise<FleetScope> {
    if (scope.kind === 'search') return scope;
    const members = [...new Set(scope.members)].sort(inOrder);
    if (members.length === 0 || members.length > limits.fleetGroupMembersMax)
      throw new BridgeError('BRG_BAD_REQUEST', `members: 1 to ${limits.fleetGroupMembersMax} devices`);
    const found = await this.#context.fleet.summaries(members);
    const known = new Set(found.map(({ model, id }) => `${model}/${id}`));
    const unknown = members.find((key) => !known.has(key));
    if (unknown !== undefined) throw new BridgeError('BRG_BAD_REQUEST', `there is no device ${unknown}`);
    return { kind: 'members', members };
  }
}

/** @throws BridgeError BRG_NOT_FOUND that names those there are */
export function groupOf(groups: Readonly<Record<string, FleetScope>>, name: string): FleetScope {
  const group = Object.hasOwn(groups, name) ? groups[name] : undefined;
  if (group !== undefined) return group;
  const names = Object.keys(groups).join(', ') || 'none';
  throw new BridgeError('BRG_NOT_FOUND', `no group ${JSON.stringify(name)}; there are: ${names}`);
}
