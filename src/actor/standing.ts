/**
 * What a connection is to its agent, as text that its frames carry to the journal. Connections are in no journal, and
 * what hooks decided about them is nowhere else; a replay that finds a frame's connection gone makes it of this text.
 *
 * I1 A frame whose text is not what its connection is when it is handled is answered only after an fsync of what it did
 *    (`recall`): the text is empty until the agent has let the connection in, and old for a moment after a change.
 */
import { parseAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import type { Connection } from './connections.ts';
import type { ConnectBody, InboundRecord } from './messages.ts';

interface Standing extends Omit<ConnectBody, 'codec'> {
  readonly codec: Connection['codec'];
  readonly remembered: unknown;
}

/** @param remembered a JSON value of the agent room; empty when it is too much to be carried by each frame */
export function standingOf(connection: Connection, remembered: unknown): string {
  const { transport, uri, user, codec } = connection;
  const text = JSON.stringify({ transport, uri, user, codec, remembered } satisfies Standing);
  return Buffer.byteLength(text) > limits.standingBytesMax ? '' : text;
}

/** The connection of a frame that has a standing. Undefined when its address is none. */
export function formerConnection({ key, subject, connection: id }: InboundRecord): Connection | undefined {
  const address = parseAddress(key);
  if (address === undefined) return undefined;
  const standing = JSON.parse(subject) as Standing; // written by standingOf
  return { ...standing, id, address, isCodecChosen: true, attachment: undefined, standing: subject };
}
