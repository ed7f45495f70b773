/** Agents to be exported, imported and backed up: one with a database, one without, and one that is no device. */
import { Agent, DeviceAgent, defineDevice, numeric, type TelemetryEvent } from '../../src/index.ts';

/** Keeps every reading in a table, and their number in its state. */
class Book extends DeviceAgent {
  static callables = { fill: {}, readings: {}, keep: {}, kept: {} };

  override onStart(): void {
    this.sql`CREATE TABLE IF NOT EXISTS reading(seq INTEGER, x REAL)`;
    this.sql`CREATE TABLE IF NOT EXISTS page(content BLOB)`;
  }

  override onTelemetry({ values, seq }: TelemetryEvent): void {
    this.sql`INSERT INTO reading VALUES(${Number(seq)}, ${Number(values['x'])})`;
    this.setState({ ...this.state, rows: Number(this.state?.['rows'] ?? 0) + 1 });
  }

  /** Makes the file large. */
  fill(pages: number): void {
    this.sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${pages})
      INSERT INTO page SELECT randomblob(3000) FROM n`;
  }

  readings(): unknown {
    const [row] = this.sql<{
      rows: number;
      seqs: number;
    }>`SELECT count(*) AS rows, count(DISTINCT seq) AS seqs FROM reading`;
    return { rows: row?.rows, seqs: row?.seqs, state: this.state?.['rows'] ?? 0 };
  }

  async keep(value: unknown): Promise<void> {
    await this.storage.put('kept', value);
  }

  kept(): Promise<unknown> {
    return this.storage.get('kept');
  }
}

class Shelf extends Agent {
  static callables = { put: {} };

  put(x: number): void {
    this.setState({ x });
  }
}

const parts = {
  vendor: 'Test',
  metrics: [numeric('x', { min: -1e9, max: 1e9 })],
  commands: [],
  sample: { x: 1 },
};

export const definitions = [
  defineDevice({ ...parts, model: 'book', description: 'keeps readings in SQL', agent: 'book' }),
  defineDevice({ ...parts, model: 'slip', description: 'is light', agent: 'device-agent' }),
];

export const agents = { book: Book, shelf: Shelf };
