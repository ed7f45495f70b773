/**
 * The one door for frames: every frame of an agent passes here, is held against the connection's mask,
 * and is encoded once per codec, however many connections get it.
 *
 * I1 A CBOR connection never gets a text byte: the codec is the connection's, whatever the frame.
 * I2 A connection whose decision is still open, or failed, gets nothing.
 * I3 `stateVersion` of a connection is the state it was sent last, and nothing when that could not be encoded.
 * I4 A reply that cannot be encoded throws: its caller has to be told. Any other frame is logged and lost.
 */
import type { ActorContext, Connection } from '../actor/index.ts';
import { asBridgeError } from '../base/errors.ts';
import { encodeFrame, frameClass, type Codec, type Frame, type FrameClass } from '../wire/index.ts';
import { attachmentOf, type Attachment } from './attachment.ts';
import { withinReplyLimit } from './calls/reply-limit.ts';

export class Outbound {
  readonly #context: ActorContext;

  constructor(context: ActorContext) {
    this.#context = context;
  }

  /** Whether anybody would get a frame of this class: saves making it. */
  isWanted(kind: FrameClass): boolean {
    const connections = this.#context.connections();
    for (const connection of connections) if (maySend(attachmentOf(connection), kind)) return true;
    return false;
  }

  /** Sends to one connection; returns whether its mask let the frame through. @throws TypeError, BridgeError for a reply (I4) */
  send(connection: Connection, frame: Frame): boolean {
    const attachment = attachmentOf(connection);
    const kind = frameClass(frame.type);
    if (!maySend(attachment, kind)) return false;
    if (kind === 'reply') {
      const { id, codec } = connection;
      this.#give([id], frame, codec, withinReplyLimit(encodeFrame(frame, codec)));
      return true;
    }
    const isSent = this.#encoded([connection.id], frame, connection.codec);
    if (frame.type === 'cf_agent_state') attachment.stateVersion = isSent ? (frame.version ?? null) : null;
    return true;
  }

  /** Sends to every connection of the agent but these. */
  broadcast(frame: Frame, except?: ReadonlySet<number>): void {
    const connections = this.#context.connections();
    if (connections.length === 0) return;
    const kind = frameClass(frame.type);
    const byCodec: Record<Codec, number[]> = { json: [], cbor: [] };
    for (const connection of connections) {
      if (except?.has(connection.id) === true) continue;
      if (maySend(attachmentOf(connection), kind)) byCodec[connection.codec].push(connection.id);
    }
    if (byCodec.json.length > 0) this.#encoded(byCodec.json, frame, 'json');
    if (byCodec.cbor.length > 0) this.#encoded(byCodec.cbor, frame, 'cbor');
  }

  /**
   * Sends one version of the state, to each connection in the form that `choose` gives; undefined leaves
   * one out.
   */
  broadcastState(
    version: number,
    choose: (connection: Connection, attachment: Attachment) => Frame | undefined,
  ): void {
    const groups = new Map<Frame, Record<Codec, Connection[]>>();
    for (const connection of this.#context.connections()) {
      const attachment = attachmentOf(connection);
      const frame = maySend(attachment, 'state') ? choose(connection, attachment) : undefined;
      if (frame === undefined) continue;
      let group = groups.get(frame);
      if (group === undefined) groups.set(frame, (group = { json: [], cbor: [] }));
      group[connection.codec].push(connection);
    }
    for (const [frame, group] of groups) {
      for (const codec of ['json', 'cbor'] as const) this.#stateTo(group[codec], frame, codec, version);
    }
  }

  #stateTo(connections: readonly Connection[], frame: Frame, codec: Codec, version: number): void {
    if (connections.length === 0) return;
    const isSent = this.#encoded(
      connections.map(({ id }) => id),
      frame,
      codec,
    );
    for (const connection of connections) attachmentOf(connection).stateVersion = isSent ? version : null;
  }

  /** False: the frame cannot be encoded, and nobody got it. */
  #encoded(connections: readonly number[], frame: Frame, codec: Codec): boolean {
    let bytes: Uint8Array;
    try {
      bytes = encodeFrame(frame, codec);
    } catch (error) {
      // An author's state may nest deeper than CBOR clients accept: the frame is lost, not the turn.
      const err = asBridgeError(error).message;
      this.#context.log.error({ frame: frame.type, err }, 'frame not encodable');
      return false;
    }
    this.#give(connections, frame, codec, bytes);
    return true;
  }

  #give(connections: readonly number[], frame: Frame, codec: Codec, bytes: Uint8Array): void {
    const { counters } = this.#context;
    if (codec === 'json') {
      counters.framesOutJson += connections.length;
      counters.bytesOutJson += connections.length * bytes.length;
    } else {
      counters.framesOutCbor += connections.length;
      counters.bytesOutCbor += connections.length * bytes.length;
      counters.cborSavedBytes += connections.length * (encodeFrame(frame, 'json').length - bytes.length);
    }
    this.#context.send(connections, bytes, codec === 'json');
  }
}

function maySend(attachment: Attachment, kind: FrameClass): boolean {
  if (attachment.decision.kind !== 'decided') return false;
  const { mask } = attachment.decision;
  // A reply answers the connection's own request; only silence holds it back.
  return kind === 'reply' ? !mask.isSilent : mask.classes.has(kind);
}
