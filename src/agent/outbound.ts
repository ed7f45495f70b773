/**
 * The one door for frames: every frame of an agent passes here, is held against the connection's mask,
 * and is encoded once per codec, however many connections get it.
 *
 * I1 A CBOR connection never gets a text byte: the codec is the connection's, whatever the frame.
 * I2 A connection whose decision is still open, or failed, gets nothing.
 */
import type { ActorContext, Connection } from '../actor/index.ts';
import { asBridgeError } from '../base/errors.ts';
import { encodeFrame, frameClass, type Codec, type Frame, type FrameClass } from '../wire/index.ts';
import { attachmentOf, type Attachment } from './attachment.ts';

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

  /** Sends to one connection; returns whether its mask let the frame through. */
  send(connection: Connection, frame: Frame): boolean {
    if (!maySend(attachmentOf(connection), frameClass(frame.type))) return false;
    this.#encoded([connection.id], frame, connection.codec);
    return true;
  }

  /** Sends to every connection of the agent but those in `except`. */
  broadcast(frame: Frame, except?: ReadonlySet<number>): void {
    const connections = this.#context.connections();
    if (connections.length === 0) return;
    const kind = frameClass(frame.type);
    const byCodec: Record<Codec, number[]> = { json: [], cbor: [] };
    for (const connection of connections) {
      if (except?.has(connection.id) === true || !maySend(attachmentOf(connection), kind)) continue;
      byCodec[connection.codec].push(connection.id);
    }
    if (byCodec.json.length > 0) this.#encoded(byCodec.json, frame, 'json');
    if (byCodec.cbor.length > 0) this.#encoded(byCodec.cbor, frame, 'cbor');
  }

  #encoded(connections: readonly number[], frame: Frame, codec: Codec): void {
    let bytes: Uint8Array;
    try {
      bytes = encodeFrame(frame, codec);
    } catch (error) {
      // An author's state may nest deeper than CBOR clients accept: the frame is lost, not the turn.
      const err = asBridgeError(error).message;
      this.#context.log.error(
        { agent: this.#context.address, frame: frame.type, err },
        'frame not encodable',
      );
      return;
    }
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
