import { BridgeError } from '../base/errors.ts';

export function unknownAgent(key: string): BridgeError {
  return new BridgeError('BRG_UNKNOWN_AGENT', `no agent ${key}: nothing has been heard of it yet`);
}
