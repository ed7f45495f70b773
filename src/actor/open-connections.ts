import type { ConnectBody } from './messages.ts';
import type { ConnectionSink } from './port.ts';

export interface OpenConnection {
  readonly key: string;
  readonly body: ConnectBody;
  readonly sink: ConnectionSink;
  /** What its frames carry to the journal. */
  standing: string;
}

/** The protocol connections of this process, by their ids. What is for one that is gone goes nowhere. */
export class OpenConnections extends Map<number, OpenConnection> {
  send(connections: readonly number[], frame: Uint8Array, isText: boolean): void {
    for (const connection of connections) this.get(connection)?.sink.send(frame, isText);
  }

  stand(connection: number, standing: string): void {
    const open = this.get(connection);
    if (open !== undefined) open.standing = standing;
  }
}
