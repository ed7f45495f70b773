/** A row of the table of hostile bytes. */
import { connect as connectPacket, type ConnectParts } from './packets.ts';

/**
 * `closed`: without an answer to it. `refused 1`, `refused 2`: after a CONNACK with this return code.
 * `open`: the connection goes on, a PINGREQ is answered.
 */
export type Outcome = 'closed' | 'refused 1' | 'refused 2' | 'open';

export interface Sequence {
  readonly name: string;
  readonly bytes: Buffer;
  readonly outcome: Outcome;
  /** A CONNECT goes before it. */
  readonly isConnected: boolean;
}

let connects = 0;

/** Each with a client id of its own, because they run side by side and would end each other. */
export function connect(parts: ConnectParts = {}): Buffer {
  return connectPacket({ clientId: `h${++connects}`, ...parts });
}

const sequence =
  (isConnected: boolean) =>
  (outcome: Outcome, name: string, ...bytes: Buffer[]): Sequence => ({
    name,
    bytes: Buffer.concat(bytes),
    outcome,
    isConnected,
  });
export const first = sequence(false);
export const later = sequence(true);
