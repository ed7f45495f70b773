import { createHash } from 'node:crypto';
import { BridgeError } from '../../base/errors.ts';
import { canonicalJson, type Json } from '../../tools/index.ts';

/** Names a value: the same for objects that differ in nothing but the order of their keys. */
export function sha256Of(value: Json): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** Names a call: a tool with these arguments, and no other. */
export function bindingOf(tool: string, input: Json): string {
  return sha256Of({ tool, arguments: input });
}

/** The same, for a call that may come with consent. @throws BridgeError BRG_FORBIDDEN when the consent is to another call */
export function checkedBinding(
  tool: string,
  input: Json,
  approval: { readonly binding: string } | undefined,
): string {
  const binding = bindingOf(tool, input);
  if (approval === undefined || approval.binding === binding) return binding;
  throw new BridgeError('BRG_FORBIDDEN', `the approval is for another call than this one of ${tool}`);
}
