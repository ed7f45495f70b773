/**
 * What the agent room keeps with a connection while its agent sleeps: what it is sent (the mask), what it
 * may do, its tags, which state it holds, and the author's state.
 */
import type { Connection } from '../actor/index.ts';
import type { FrameClass } from '../wire/index.ts';
import type { ConnectionCapability } from './capabilities.ts';

/** A class of protocol frames that a connection can do without. Answers to its own requests are in none. */
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
  /** What it was granted; `isReadonly` takes some of it away for as long as it holds. */
  capabilities: ReadonlySet<ConnectionCapability>;
  isReadonly: boolean;
  tags: readonly string[];
  /** Its URL asked for `state=patch`: changes of the state come as merge patches where they are smaller. */
  readonly wantsPatches: boolean;
  /** The version of the state it holds; null for none. */
  stateVersion: number | null;
  /** The author's, a JSON value. */
  state: unknown;
}

const ALL_CLASSES: readonly MaskClass[] = ['identity', 'state', 'mcp', 'chat', 'telemetry', 'errors'];
/** A device that subscribed to its frames topic wants the state of its agent, not an echo of itself. */
const MQTT_CLASSES: readonly MaskClass[] = ['identity', 'state', 'errors'];

const SILENT: Mask = { classes: new Set(), isSilent: true };

/** A connection nobody has decided about is sent nothing and may do nothing. */
export function attachmentOf(connection: Connection): Attachment {
  // Only this room writes it.
  const known = connection.attachment as Attachment | undefined;
  if (known !== undefined) return known;
  const fresh: Attachment = {
    decision: { kind: 'open' },
    capabilities: new Set(),
    isReadonly: true,
    tags: [],
    wantsPatches: /[?&]state=patch(&|$)/.test(connection.uri),
    stateVersion: null,
    state: null,
  };
  connection.attachment = fresh;
  return fresh;
}

/** From now on the connection is sent what `decision` says; undefined is one that failed: nothing is sent. */
export function decide(connection: Connection, decision: ProtocolDecision | undefined): void {
  const attachment = attachmentOf(connection);
  attachment.decision = { kind: 'decided', mask: maskFor(connection, decision) };
  // What it missed while it got no state frames is not known.
  attachment.stateVersion = null;
}

function maskFor(connection: Connection, decision: ProtocolDecision | undefined): Mask {
  if (decision === undefined) return SILENT;
  const base = connection.transport === 'mqtt' ? MQTT_CLASSES : ALL_CLASSES;
  if (decision === true) return { classes: new Set(base), isSilent: false };
  if (decision === false) {
    return connection.codec === 'cbor' ? { classes: new Set(base), isSilent: false } : SILENT;
  }
  return { classes: new Set(ALL_CLASSES.filter((name) => decision[name] === true)), isSilent: false };
}
