/**
 * What of MQTT sessions outlives the process: rows that the broker changes and a store keeps. Numbers of sessions,
 * messages and places in a queue are the broker's and never used twice.
 */

/** A session that CONNECT asked to keep (CleanSession 0). */
export interface SessionRow {
  readonly session: number;
  readonly client: string;
  /** When its connection ended; null: it is connected, or was when the process ended. */
  readonly endedAtMs: number | null;
}

export interface FilterRow {
  readonly session: number;
  readonly filter: string;
  readonly qos: number;
}

/** A message that waits in the queue of one session at least. */
export interface MessageRow {
  readonly message: number;
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** A message's place in the queue of a session. */
export interface OutgoingRow {
  readonly session: number;
  readonly place: number;
  readonly message: number;
  readonly qos: number;
  readonly isRetained: boolean;
  readonly packetId: number;
  /** sent: maybe, when it says queued and the process ended; released: PUBREC has arrived. */
  readonly phase: OutgoingPhase;
}

export type OutgoingPhase = 'queued' | 'sent' | 'released';

/** A QoS 2 packet of the client that awaits its PUBREL. */
export interface IncomingRow {
  readonly session: number;
  readonly packetId: number;
}

export interface RetainedRow {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: number;
  /** Who set it, where clients have names; empty: nobody is asked. */
  readonly setBy: string;
}

export interface WillRow {
  readonly client: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: number;
  readonly isRetained: boolean;
}

export interface SessionRows {
  readonly sessions: readonly SessionRow[];
  readonly filters: readonly FilterRow[];
  readonly messages: readonly MessageRow[];
  /** In the order of their places. */
  readonly outgoing: readonly OutgoingRow[];
  readonly incoming: readonly IncomingRow[];
  readonly retained: readonly RetainedRow[];
  readonly wills: readonly WillRow[];
}

/** Of what never had any. */
export const NO_SESSION_ROWS: SessionRows = {
  sessions: [],
  filters: [],
  messages: [],
  outgoing: [],
  incoming: [],
  retained: [],
  wills: [],
};

/** One commit. What is gone goes first; then what is put replaces the row of the same key. */
export interface SessionChanges {
  /** Sessions that go with all their rows. */
  readonly dropped: readonly number[];
  readonly put: SessionRows;
  readonly gone: {
    readonly filters: readonly Pick<FilterRow, 'session' | 'filter'>[];
    readonly messages: readonly number[];
    readonly outgoing: readonly Pick<OutgoingRow, 'session' | 'place'>[];
    readonly incoming: readonly IncomingRow[];
    readonly retained: readonly string[];
    readonly wills: readonly string[];
  };
}

/** Where the rows are. */
export interface SessionStore {
  /** All rows, before the first `write`. @throws BridgeError BRG_DATA_DIR, BRG_STORE */
  load(): SessionRows;
  /**
   * One commit: on the disk when it resolves. One at a time.
   * Rejects with BRG_DISK_FULL when nothing of it was kept and it may be tried again, else with what ends the process.
   */
  write(changes: SessionChanges): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}
