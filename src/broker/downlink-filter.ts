import { isAddress, type AgentAddress } from '../base/address.ts';

/** What a subscription to the downlink topics of exactly one device asks for. */
export interface DownlinkFilter {
  readonly address: AgentAddress;
  readonly command: boolean;
  readonly desired: boolean;
  /** Literally the frames topic: only then are protocol frames sent. */
  readonly frames: boolean;
}

/**
 * Reads a topic filter as a device's subscription: model and id literal, then `command/...` (with a
 * wildcard, as the correlation id is not known before), `desired`, `frames`, `reply/...` or `#`.
 * Null for everything else, e.g. an observer's `devices/#`.
 */
export function parseDownlinkFilter(filter: string): DownlinkFilter | null {
  if (!filter.startsWith('devices/')) return null;
  const levels = filter.split('/');
  const [, model, id, channel] = levels;
  if (model === undefined || id === undefined || channel === undefined || !isAddress(model, id)) return null;
  const address = { model, id };
  const none = { address, command: false, desired: false, frames: false };
  const last = levels.at(-1);
  switch (channel) {
    case '#':
      return { ...none, command: true, desired: true };
    case 'command':
      return last === '#' || last === '+' ? { ...none, command: true } : null;
    case 'reply':
      return last === '#' || last === '+' ? none : null;
    case 'desired':
      return levels.length === 4 ? { ...none, desired: true } : null;
    case 'frames':
      return levels.length === 4 ? { ...none, frames: true } : null;
    default:
      return null;
  }
}
