/** What the agent room keeps with a connection while its agent sleeps: the mask, and the author's state. */
import type { Connection } from '../actor/index.ts';
import type { FrameClass } from '../wire/index.ts';

export type MaskClass = Exclude<FrameClass, 'reply'>;

/**
 * What `shouldSendProtocolMessages` may answer. true: all protocol frames in the connection's codec.
 * false: no JSON text ever; CBOR if the connection negotiated it, else nothing. An object: only the
 * classes it names with true.
 */
export type ProtocolDecision = boolean | Partial<Record<MaskClass, boolean>>;

export interface Mask {
  readonly classes: ReadonlySet<MaskClass>;
  /** Not even replies. */
  readonly isSilent: boolean;
}

type Decision = { readonly kind: 'open' } | { readonly kind: 'decided'; readonly mask: Mask };

export interface Attachment {
  decision: Decision;
  state: unknown;
}

const ALL_CLASSES: readonly MaskClass[] = ['identity', 'state', 'mcp', 'chat', 'telemetry', 'errors'];
/** A device that subscribed to its frames topic wants the state of its agent, not an echo of itself. */
const MQTT_CLASSES: readonly MaskClass[] = ['identity', 'state', 'errors'];

const SILENT: Mask = { classes: new Set(), isSilent: true };

export function attachmentOf(connection: Connection): Attachment {
  // Only this room writes it.
  const known = connection.attachment as Attachment | undefined;
  if (known !== undefined) return known;
  const fresh: Attachment = { decision: { kind: 'open' }, state: null };
  connection.attachment = fresh;
  return fresh;
}

/** The mask a decision means for a connection; undefined is a decision that failed: nothing is sent. */
export function maskFor(connection: Connection, decision: ProtocolDecision | undefined): Mask {
  if (decision === undefined) return SILENT;
  const base = connection.transport === 'mqtt' ? MQTT_CLASSES : ALL_CLASSES;
  if (decision === true) return { classes: new Set(base), isSilent: false };
  if (decision === false) {
    return connection.codec === 'cbor' ? { classes: new Set(base), isSilent: false } : SILENT;
  }
  return { classes: new Set(ALL_CLASSES.filter((name) => decision[name] === true)), isSilent: false };
}
