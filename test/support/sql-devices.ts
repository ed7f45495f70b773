/** Agents with a database of their own. */
import {
  DeviceAgent,
  defineDevice,
  numeric,
  SqlError,
  type AgentConnection,
  type SqlBinding,
  type TelemetryEvent,
} from '../../src/index.ts';

/** Keeps every reading in a table, and their number in its state. */
class Ledger extends DeviceAgent {
  static callables = {
    readings: {},
    run: {},
    putThenThrow: {},
    nested: {},
    slowly: {},
    kv: {},
    bytes: {},
    cursor: {},
    asyncTransaction: {},
    history: {},
    forgetMe: {},
  };

  override onStart(): void {
    this.sql`CREATE TABLE IF NOT EXISTS reading(seq INTEGER, x REAL)`;
  }

  override onTelemetry({ values, seq }: TelemetryEvent): void {
    this.sql`INSERT INTO reading VALUES(${Number(seq)}, ${Number(values['x'])})`;
    this.setState({ ...this.state, rows: this.readings().length });
    if (values['x'] === 13) throw new Error('thirteen');
  }

  override onMessage(connection: AgentConnection, message: unknown): void {
    this.sql`INSERT INTO reading VALUES(${-1}, ${Number(message)})`;
    connection.send(`kept ${String(message)}`);
  }

  readings(): unknown[] {
    return this.sql<{ x: number }>`SELECT x FROM reading ORDER BY rowid`.map(({ x }) => x);
  }

  run(query: string, ...bindings: SqlBinding[]): unknown {
    try {
      return this.storage.sql.exec(query, ...bindings).toArray();
    } catch (error) {
      return error instanceof SqlError ? `SqlError on ${error.query}: ${error.message}` : String(error);
    }
  }

  putThenThrow(): void {
    this.sql`INSERT INTO reading VALUES(0, 99)`;
    this.setState({ ...this.state, rows: 99 });
    throw new Error('after all');
  }

  nested(): unknown {
    const seen: unknown[] = [];
    this.storage.transactionSync(() => {
      this.sql`INSERT INTO reading VALUES(0, 1)`;
      try {
        this.storage.transactionSync(() => {
          this.sql`INSERT INTO reading VALUES(0, 2)`;
          this.setState({ ...this.state, rows: 2 });
          seen.push(this.readings());
          throw new Error('inner');
        });
      } catch {
        seen.push(this.readings(), this.state?.['rows'] ?? null);
      }
    });
    return seen;
  }

  async slowly(): Promise<unknown> {
    this.sql`INSERT INTO reading VALUES(0, 1)`;
    await new Promise((resume) => setTimeout(resume, 30));
    this.sql`INSERT INTO reading VALUES(0, 2)`;
    return this.readings();
  }

  async kv(): Promise<unknown> {
    await this.storage.put({ a: { deep: [1] }, b: 2 });
    await this.storage.put('c', new Map([[1, 'one']]));
    const gone = await this.storage.delete('b');
    const all = await this.storage.list();
    const map = this.storage.kv.get<Map<number, string>>('c');
    return { gone, keys: [...all.keys()], a: await this.storage.get('a'), one: map?.get(1) };
  }

  bytes(): number {
    return this.storage.sql.databaseSize;
  }

  cursor(): unknown {
    const xs: unknown[] = [];
    for (const { x } of this.storage.sql.exec('SELECT x FROM reading ORDER BY rowid')) {
      xs.push(x);
      if (xs.length === 2) break;
    }
    return xs;
  }

  asyncTransaction(): string {
    try {
      void this.storage.transactionSync(async () => {
        this.sql`INSERT INTO reading VALUES(0, 7)`;
        return Promise.resolve();
      });
      return 'taken';
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
  }

  forgetMe(): Promise<void> {
    return this.destroy();
  }
}

/** Uses SQL only when told to. */
class Late extends DeviceAgent {
  static callables = { grow: {}, notes: {} };

  grow(note: string): number {
    this.sql`CREATE TABLE IF NOT EXISTS note(text)`;
    this.sql`INSERT INTO note VALUES(${note})`;
    return this.notes().length;
  }

  notes(): unknown[] {
    return this.sql`SELECT text FROM note`.map(({ text }) => text);
  }
}

const parts = {
  vendor: 'Test',
  metrics: [numeric('x', { min: -1e9, max: 1e9 })],
  commands: [],
  sample: { x: 1 },
};

export const definitions = [
  defineDevice({ ...parts, model: 'ledger', description: 'keeps readings in SQL', agent: 'ledger' }),
  defineDevice({ ...parts, model: 'late', description: 'becomes heavy late', agent: 'late' }),
];

export const agents = { ledger: Ledger, late: Late };
