import type { Message } from './message.ts';
import type { Session } from './session.ts';

/**
 * A QoS 1 or 2 message of one session: queued -> sent -> (QoS 2: released, by its PUBREC) -> gone, by PUBACK or PUBCOMP.
 * It has its packet id from the beginning, so that a crash in between makes no other packet of it.
 */
export class Entry {
  readonly session: Session;
  readonly message: Message;
  readonly qos: 1 | 2;
  readonly isRetained: boolean;
  /** Its place in the session's queue; later ones have higher numbers. */
  readonly place: number;
  readonly packetId: number;
  phase: 'queued' | 'sent' | 'released' | 'gone' = 'queued';
  /** Whether a row of it is on the disk, or on its way there. */
  isStored = false;
  /** It may have been sent before: on an earlier connection, or by a process that ended. */
  isDup = false;
  /** The commit that makes it safe. */
  ticket = 0;
  next: Entry | null = null;

  constructor(
    session: Session,
    message: Message,
    { qos, isRetained, place, packetId }: Pick<Entry, 'qos' | 'isRetained' | 'place' | 'packetId'>,
  ) {
    this.session = session;
    this.message = message;
    this.qos = qos;
    this.isRetained = isRetained;
    this.place = place;
    this.packetId = packetId;
  }
}
