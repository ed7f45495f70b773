/**
 * A button on the device: `call/approve/{cid}` and `call/deny/{cid}` with `[]` or `["<id>"]`, for devices whose policy
 * says `approvals: { byDevice: true }`. A device decides about its own agent's approvals only.
 */
import type { InboundRecord } from '../../actor/index.ts';
import { BridgeError } from '../../base/errors.ts';
import type { AgentParts } from '../agent-parts.ts';
import type { Approval } from '../approvals/approval.ts';
import type { DeviceDesk } from '../device-desk.ts';
import { replyTo } from './device-call.ts';

/** As the audit log and votes name a device. */
const DEVICE = 'device';

/** Answers the call if it is the press of a button; false: it is another, or the policy knows no button. */
export function isButtonPress(desk: DeviceDesk, record: InboundRecord, args: unknown): boolean {
  const [method = '', cid = ''] = record.subject.split('/');
  if (method !== 'approve' && method !== 'deny') return false;
  // Without the author's code its policy is not there either.
  if (desk.parts.isHeld || !desk.tools.gate.isDeviceApprover) return false;
  replyTo(desk.context, cid, press(desk.parts, method === 'approve', args), desk.codec);
  return true;
}

/** `{ ok, value: { id, status } }`, or `{ ok: false, error }`. */
function press(parts: AgentParts, approved: boolean, args: unknown): object {
  try {
    const { id } = chosen(parts, args);
    const { status } = parts.approvals.decide(id, { approved, by: DEVICE });
    return { ok: true, value: { id, status } };
  } catch (error) {
    if (!(error instanceof BridgeError) || error.code === 'BRG_INTERNAL') throw error;
    return { ok: false, error: `${error.code}: ${error.message}` };
  }
}

/** The one named, or the only one that waits: a button without a display must not choose among several. */
function chosen({ approvals }: AgentParts, args: unknown): Pick<Approval, 'id'> {
  if (!Array.isArray(args) || args.length > 1 || !['string', 'undefined'].includes(typeof args[0]))
    throw new BridgeError('BRG_CALL_ARGUMENTS', 'the arguments are [] or ["<id of the approval>"]');
  const [id] = args as (string | undefined)[]; // checked just before
  if (id !== undefined) return { id };
  const { pending } = approvals;
  const [only] = pending;
  if (only === undefined) throw new BridgeError('BRG_UNKNOWN_APPROVAL', 'nothing waits for an approval');
  if (pending.length > 1)
    throw new BridgeError('BRG_UNKNOWN_APPROVAL', `${pending.length} approvals wait: name one by its id`);
  return only;
}
