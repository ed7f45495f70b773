/**
 * What a connection may do. Every inbound frame names the capability it needs in one table, and the gate
 * asks it once, whatever the frame: a readonly connection can neither set the state nor chat.
 */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { InboundFrame } from '../wire/index.ts';
import type { Attachment } from './attachment.ts';

/**
 * `rpc:*` is every callable, `rpc:<method>` one. `admin` opens no frame: authors ask for it with
 * `connection.can('admin')`.
 */
export type ConnectionCapability =
  'state.write' | 'rpc:*' | `rpc:${string}` | 'chat.send' | 'tool.approve' | 'admin';

/** What a connection may do unless its agent says otherwise. */
export const ALL_CAPABILITIES: readonly ConnectionCapability[] = [
  'state.write',
  'rpc:*',
  'chat.send',
  'tool.approve',
  'admin',
];

/** What a readonly connection keeps: the Agents SDK lets it call methods, which cannot set the state then. */
const READONLY_KEEPS = /^rpc:/;

/** The table. null: reads, or ends what the connection began itself. `rpc` stands for `rpc:<its method>`. */
const NEEDS: Readonly<Record<InboundFrame['type'], ConnectionCapability | 'rpc' | null>> = {
  cf_agent_state: 'state.write',
  rpc: 'rpc',
  cf_agent_chat_messages: 'chat.send',
  cf_agent_use_chat_request: 'chat.send',
  cf_agent_chat_clear: 'chat.send',
  cf_agent_chat_request_cancel: 'chat.send',
  cf_agent_stream_resume_request: null,
  cf_agent_stream_resume_ack: null,
  cf_agent_tool_result: 'chat.send',
  cf_agent_tool_approval: 'tool.approve',
  mooring_cancel: null,
};

/** The capability this frame needs and the connection lacks; undefined when it may pass. */
export function missingCapability(frame: InboundFrame, attachment: Attachment): string | undefined {
  const row = NEEDS[frame.type];
  const needed = frame.type === 'rpc' ? callCapability(frame.method) : row;
  return needed === null || may(attachment, needed) ? undefined : needed;
}

/** A name that is in no capability (empty, with a space) takes the right to call everything. */
function callCapability(method: string): string {
  const capability = `rpc:${method}`;
  return isCapability(capability) ? capability : 'rpc:*';
}

/** Whether a connection may do this; never what is no capability. */
export function may(attachment: Attachment, capability: string): boolean {
  if (!isCapability(capability)) return false;
  if (attachment.isReadonly && !READONLY_KEEPS.test(capability)) return false;
  const { capabilities } = attachment;
  return capabilities.has(capability) || (capability.startsWith('rpc:') && capabilities.has('rpc:*'));
}

/** @throws BridgeError BRG_BAD_REQUEST for what is no list of capabilities: a typing mistake must not grant anything */
export function checkedCapabilities(list: unknown): ReadonlySet<ConnectionCapability> {
  if (!Array.isArray(list)) throw new BridgeError('BRG_BAD_REQUEST', 'capabilities are an array of texts');
  if (list.length > limits.capabilitiesPerConnectionMax) {
    const message = `${list.length} capabilities, the limit is ${limits.capabilitiesPerConnectionMax}`;
    throw new BridgeError('BRG_BAD_REQUEST', message);
  }
  const known = list.filter(isCapability);
  if (known.length === list.length) return new Set(known);
  const unknown = list.find((capability) => !isCapability(capability)) as unknown;
  const message = `${JSON.stringify(unknown)} is no capability; there are ${ALL_CAPABILITIES.join(', ')} and rpc:<method>`;
  throw new BridgeError('BRG_BAD_REQUEST', message);
}

function isCapability(value: unknown): value is ConnectionCapability {
  if (typeof value !== 'string') return false;
  return (ALL_CAPABILITIES as readonly string[]).includes(value) || /^rpc:[^\s*]+$/.test(value);
}
