import { limits } from './limits.ts';

/** An agent's address. The same pair in topics, URLs, the CLI (`model/id`) and storage. */
export interface AgentAddress {
  /** `[a-z0-9-]{1,64}`: a device model, or a built-in one such as `fleet`. */
  readonly model: string;
  /** `[A-Za-z0-9._~:-]{1,128}` */
  readonly id: string;
}

/** Models that are there without a definition: the agents of the fleet. */
export const BUILT_IN_MODELS: readonly string[] = ['fleet'];

const MODEL = new RegExp(`^[a-z0-9-]{1,${limits.modelBytesMax}}$`);
const ID = new RegExp(`^[A-Za-z0-9._~:-]{1,${limits.agentIdBytesMax}}$`);

/** Whether both parts keep to the contract's grammar. All of it is ASCII: one byte a character. */
export function isAddress(model: string, id: string): boolean {
  return MODEL.test(model) && ID.test(id);
}

/** `model/id`: the form used as a map key, in logs and on the command line. */
export function addressKey(address: AgentAddress): string {
  return `${address.model}/${address.id}`;
}

/** The inverse of `addressKey`; undefined when it is not a valid address. */
export function parseAddress(key: string): AgentAddress | undefined {
  const slash = key.indexOf('/');
  if (slash < 0) return undefined;
  const model = key.slice(0, slash);
  const id = key.slice(slash + 1);
  return isAddress(model, id) ? { model, id } : undefined;
}
