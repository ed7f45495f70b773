/**
 * What a user would build instead: an MQTT.js subscriber behind mosquitto that writes history and the last
 * reading of each device into SQLite, a transaction for what arrived in a turn of the loop. Mosquitto has
 * acknowledged long before, from memory, and so has the subscriber: what is in memory when either dies is lost.
 * argv: port of the broker, path of the database. `GET /` answers `SubscriberReport`.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Database from 'better-sqlite3';
import { connectAsync } from 'mqtt';

export interface SubscriberReport {
  readonly processed: number;
  readonly lastCommitMs: number;
  /** Messages committed by a time (ms since epoch), one sample in about 50 ms. */
  readonly samples: readonly (readonly [atMs: number, processed: number])[];
}

interface Reading {
  readonly ts: number;
  readonly t: number;
  readonly h: number;
}

const SAMPLE_MS = 50;

const [port, path] = process.argv.slice(2);
const database = new Database(path);
database.pragma('journal_mode = WAL');
database.pragma('synchronous = FULL');
database.exec('CREATE TABLE history (agent TEXT, ts INTEGER, t REAL, h REAL)');
database.exec('CREATE TABLE state (agent TEXT PRIMARY KEY, state TEXT) WITHOUT ROWID');
const insert = database.prepare('INSERT INTO history VALUES (?, ?, ?, ?)');
const upsert = database.prepare(
  'INSERT INTO state VALUES (?, ?) ON CONFLICT (agent) DO UPDATE SET state = excluded.state',
);
const states = new Map<string, { n: number; last: Reading }>();
const samples: [number, number][] = [];
let waiting: { topic: string; payload: Buffer }[] = [];
let processed = 0;
let lastCommitMs = 0;

function commit(): void {
  const batch = waiting;
  waiting = [];
  const changed = new Set<string>();
  database.exec('BEGIN');
  for (const { topic, payload } of batch) {
    const last = JSON.parse(payload.toString()) as Reading; // what load-generator.ts sends
    states.set(topic, { n: (states.get(topic)?.n ?? 0) + 1, last });
    insert.run(topic, last.ts, last.t, last.h);
    changed.add(topic);
  }
  for (const topic of changed) upsert.run(topic, JSON.stringify(states.get(topic)));
  database.exec('COMMIT');
  processed += batch.length;
  lastCommitMs = Date.now();
  if (lastCommitMs - (samples.at(-1)?.[0] ?? 0) >= SAMPLE_MS) samples.push([lastCommitMs, processed]);
}

const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: 'subscriber', clean: false });
client.handleMessage = ({ topic, payload }, done) => {
  if (waiting.push({ topic, payload: Buffer.from(payload) }) === 1) setImmediate(commit);
  done();
};
await client.subscribeAsync('devices/#', { qos: 1 });
const server = createServer((_request, response) => {
  const report: SubscriberReport = { processed, lastCommitMs, samples };
  response.end(JSON.stringify(report));
}).listen(0, '127.0.0.1', () => {
  const { port: httpPort } = server.address() as AddressInfo; // it listens on TCP, not on a pipe
  console.log(`subscriber ready mqtt=127.0.0.1:${port} http=http://127.0.0.1:${httpPort}`);
});
process.once('SIGTERM', () => process.exit(0));
