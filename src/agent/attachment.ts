/**
 * What the agent room keeps with a connection while its agent sleeps: what it is sent (the mask), what it
 * may do, its tags, which state it holds, and the author's state.
 */
import type { ActorContext, Connection } from '../actor/index.ts';
import type { FrameClass } from '../wire/index.ts';
import { ALL_CAPABILITIES, type ConnectionCapability } from './capabilities.ts';

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

/** An attachment as text in the journal carries it: what is as usual is left out. */
interface Remembered {
  readonly mask?: readonly MaskClass[] | 'silent' | 'open';
  readonly capabilities?: readonly ConnectionCapability[];
  readonly isReadonly?: true;
  readonly tags?: readonly string[];
  readonly state?: unknown;
}

const SILENT: Mask = { classes: new Set(), isSilent: true };

/** A connection nobody has decided about is sent nothing and may do nothing. */
export function attachmentOf(connection: Connection): Attachment {
  // Only this room writes it.
  const known = connection.attachment as Attachment | undefined;
  if (known !== undefined) return known;
  const patches = /[?&]state=patch(&|$)/.test(connection.uri);
  if (connection.remembered !== undefined) {
    const remembered = connection.remembered as Remembered; // written by `remember`
    return (connection.attachment = restored(connection, remembered, patches));
  }
  const fresh: Attachment = {
    decision: { kind: 'open' },
    capabilities: new Set(),
    isReadonly: true,
    tags: [],
    wantsPatches: patches,
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

function usualClasses({ transport }: Connection): readonly MaskClass[] {
  return transport === 'mqtt' ? MQTT_CLASSES : ALL_CLASSES;
}

function maskFor(connection: Connection, decision: ProtocolDecision | undefined): Mask {
  if (decision === undefined) return SILENT;
  const base = usualClasses(connection);
  if (decision === true) return { classes: new Set(base), isSilent: false };
  if (decision === false) {
    return connection.codec === 'cbor' ? { classes: new Set(base), isSilent: false } : SILENT;
  }
  return { classes: new Set(ALL_CLASSES.filter((name) => decision[name] === true)), isSilent: false };
}

/** Has the frames of this connection carry to the journal what it is now, for a replay that finds it gone. */
export function remember(context: ActorContext, connection: Connection): void {
  const { decision, capabilities, isReadonly, tags, state } = attachmentOf(connection);
  const hasAll =
    ALL_CAPABILITIES.length === capabilities.size && ALL_CAPABILITIES.every((c) => capabilities.has(c));
  const mask = decision.kind === 'open' ? 'open' : maskText(connection, decision.mask);
  const remembered: Remembered = {
    ...(mask === undefined ? {} : { mask }),
    ...(hasAll ? {} : { capabilities: [...capabilities] }),
    ...(isReadonly ? { isReadonly } : {}),
    ...(tags.length === 0 ? {} : { tags }),
    ...(state === null ? {} : { state }),
  };
  context.remember(connection, remembered);
}

/** Undefined: the classes that a connection of its kind gets unless its agent says otherwise. */
function maskText(connection: Connection, mask: Mask): Remembered['mask'] {
  if (mask.isSilent) return 'silent';
  const usual = usualClasses(connection);
  const isUsual = mask.classes.size === usual.length && usual.every((name) => mask.classes.has(name));
  return isUsual ? undefined : [...mask.classes];
}

function restored(connection: Connection, remembered: Remembered, wantsPatches: boolean): Attachment {
  const { mask = usualClasses(connection), capabilities = ALL_CAPABILITIES } = remembered;
  const { isReadonly = false, tags = [], state = null } = remembered;
  const known: Mask | undefined =
    mask === 'open' ? undefined : mask === 'silent' ? SILENT : { classes: new Set(mask), isSilent: false };
  return {
    decision: known === undefined ? { kind: 'open' } : { kind: 'decided', mask: known },
    capabilities: new Set(capabilities),
    isReadonly,
    tags,
    wantsPatches,
    stateVersion: null,
    state,
  };
}
