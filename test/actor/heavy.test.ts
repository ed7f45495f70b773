/** Agents with a file of their own: what must hold when their file and shard.db are not equally old. */
import Database from 'better-sqlite3';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BatchWriter } from '../../src/actor/envelope.ts';
import { Shard } from '../../src/actor/index.ts';
import { FLAG_DURABLE, KIND } from '../../src/actor/messages.ts';
import { createActorFactory } from '../../src/agent/index.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createLog } from '../../src/base/log.ts';
import { Registry } from '../../src/device/index.ts';
import { Journal, ShardStore } from '../../src/store/index.ts';
import { temporaryDir } from '../support/bridge.ts';
import { agents, definitions } from '../support/sql-devices.ts';
import { until } from '../support/until.ts';

class TestShard {
  readonly store: ShardStore;
  readonly shard: Shard;
  #batches = 0;

  constructor(dataDir: string, agentFilesOpenMax = 100) {
    this.store = new ShardStore(join(dataDir, 'shard.db'), { agentFilesOpenMax });
    this.shard = new Shard({
      journal: new Journal(join(dataDir, 'journal.db')),
      store: this.store,
      factory: createActorFactory(new Registry(definitions), agents),
      clock: systemClock,
      log: createLog({ level: 'silent', format: 'json' }),
      post: () => undefined,
    });
  }

  static async start(dataDir: string, agentFilesOpenMax?: number): Promise<TestShard> {
    const one = new TestShard(dataDir, agentFilesOpenMax);
    await one.shard.start();
    onTestFinished(() => (one.shard.phase === 'stopped' ? undefined : one.shard.stop()));
    return one;
  }

  /** One batch: a reading for each id. */
  say(seq: number, ...ids: string[]): void {
    const writer = new BatchWriter();
    for (const id of ids) {
      const body = Buffer.from(JSON.stringify({ x: seq, boot: 'b', seq }));
      writer.write(KIND.telemetry, FLAG_DURABLE, `ledger/${id}`, '', 1, 0, Date.now(), body);
    }
    const name = `batch-${seq}-${++this.#batches}`;
    this.shard.receive(name, Buffer.from(writer.take()), ids.length, ids.length);
  }

  /** Forgets an agent by something that is not in the journal. */
  forget(id: string): void {
    const writer = new BatchWriter();
    writer.write(KIND.request, 0, `ledger/${id}`, 'forget', 1, 0, Date.now(), Buffer.from('{}'));
    this.shard.receive(`batch-${++this.#batches}`, Buffer.from(writer.take()), 1, 0);
    this.shard.commitNow();
  }

  /** What an agent's file, its row and its history hold. */
  told(id: string): unknown {
    const row = this.store.directory.find('ledger', id)!;
    const { messages, alarmAtMs } = row;
    const { file, cells } = this.store.load({ row }, 0);
    const xs = file?.sql.all('SELECT x FROM reading ORDER BY rowid', []).map(({ x }) => x);
    const query = { metric: 'x', fromMs: 0, toMs: Date.now() + 1e6, points: 1 };
    const history = this.store.history.query(row.key, query)[0]?.points[0]?.count;
    return {
      messages,
      alarmAtMs,
      xs,
      history,
      state: JSON.parse(new Map(cells).get('state') ?? 'null') as unknown,
    };
  }
}

/** The data directory as a power loss may leave it: shard.db and journal of now, files of `agentsDir`. */
function afterPowerLoss(dataDir: string, agentsDir: string): string {
  const left = join(temporaryDir(), 'data');
  mkdirSync(left);
  for (const name of ['shard.db', 'shard.db-wal', 'journal.db', 'journal.db-wal']) {
    cpSync(join(dataDir, name), join(left, name));
  }
  cpSync(agentsDir, join(left, 'agents'), { recursive: true });
  return left;
}

const whole = (xs: number[]): unknown => ({
  messages: xs.length,
  alarmAtMs: null,
  xs,
  history: xs.length,
  state: { x: xs.at(-1), rows: xs.length },
});

test('a file older than shard.db gets what it lacks from the journal: rows, state and history once each', async () => {
  const dataDir = temporaryDir();
  const one = await TestShard.start(dataDir);
  one.say(1, 'a', 'b');
  one.say(2, 'a');
  expect(one.store.checkpoint()).toBe(3);
  const old = join(temporaryDir(), 'agents');
  cpSync(join(dataDir, 'agents'), old, { recursive: true });
  one.say(3, 'a', 'b');
  one.say(4, 'a');
  expect(one.told('a')).toEqual(whole([1, 2, 3, 4]));

  const two = await TestShard.start(afterPowerLoss(dataDir, old));
  await until(() => two.store.directory.find('ledger', 'a')?.messages === 4, 'the rows to be brought up');
  expect(two.told('a')).toEqual(whole([1, 2, 3, 4]));
  expect(two.told('b')).toEqual(whole([1, 3]));
  two.say(5, 'a', 'b');
  expect(two.told('a')).toEqual(whole([1, 2, 3, 4, 5]));
  expect(two.told('b')).toEqual(whole([1, 3, 5]));
});

test('a file newer than shard.db is believed: nothing is applied twice', async () => {
  const dataDir = temporaryDir();
  const one = await TestShard.start(dataDir);
  one.say(1, 'a');
  one.store.checkpoint();
  const old = temporaryDir();
  for (const name of ['shard.db', 'journal.db']) cpSync(join(dataDir, name), join(old, name));
  one.say(2, 'a');
  one.say(3, 'a');
  one.shard.commitNow();

  // The journal is fsynced before anything else is written: it is never the oldest.
  const left = temporaryDir();
  cpSync(join(old, 'shard.db'), join(left, 'shard.db'));
  for (const name of ['journal.db', 'journal.db-wal']) cpSync(join(dataDir, name), join(left, name));
  cpSync(join(dataDir, 'agents'), join(left, 'agents'), { recursive: true });
  const two = await TestShard.start(left);
  two.say(4, 'a');
  expect(two.told('a')).toMatchObject({ messages: 4, xs: [1, 2, 3, 4], state: { x: 4, rows: 4 } });
});

test('a sleeping agent whose row lost its alarm gets it back from its file', async () => {
  const dataDir = temporaryDir();
  const one = await TestShard.start(dataDir);
  one.say(1, 'a');
  // Nothing in the journal wakes it after the start.
  one.shard.journal.trim(one.store.checkpoint());
  one.say(2, 'b');
  const { store } = one;
  const row = store.directory.find('ledger', 'a')!;
  const { file } = store.load({ row }, 0);
  row.alarmAtMs = 4_000_000_000_000;
  const change = { row, cells: [], history: null, audits: [], file, isForgotten: false };
  store.commit([change], store.watermark);
  const old = join(temporaryDir(), 'agents');
  cpSync(join(dataDir, 'agents'), old, { recursive: true });
  row.alarmAtMs = null;
  store.commit([change], store.watermark);

  const two = await TestShard.start(afterPowerLoss(dataDir, old));
  const found = () => two.store.directory.find('ledger', 'a')?.alarmAtMs;
  await until(() => found() === 4_000_000_000_000, 'the alarm to come back');
});

test('more agents than may be open in one batch: each gets its row, few files are open', async () => {
  const one = await TestShard.start(temporaryDir(), 8);
  const ids = Array.from({ length: 60 }, (_, n) => `s${n}`);
  one.say(1, ...ids);
  one.say(2, ...ids);
  expect(one.store.heavy.files.openCount).toBeLessThanOrEqual(8);
  for (const id of ids) expect(one.told(id)).toEqual(whole([1, 2]));
  expect(one.store.heavy.files.openCount).toBeLessThanOrEqual(8);
});

test('a power loss gives the messages of a forgotten agent to nobody, although the next one has a new file', async () => {
  const dataDir = temporaryDir();
  const one = await TestShard.start(dataDir);
  one.say(1, 'a', 'b');
  one.forget('a');
  expect(existsSync(one.store.heavy.files.path({ model: 'ledger', id: 'a' }))).toBe(false);
  // What is on the disk for sure of the next agent's file is how it began.
  const old = join(temporaryDir(), 'agents');
  one.store.heavy.files.onCreated = () => cpSync(join(dataDir, 'agents'), old, { recursive: true });
  one.say(2, 'a');
  const two = await TestShard.start(afterPowerLoss(dataDir, old));
  await until(() => two.store.directory.find('ledger', 'a')?.messages === 1, 'the row to be brought up');
  expect(two.told('a')).toEqual(whole([2]));
  expect(two.told('b')).toEqual(whole([1]));
});

test('a crash between the end of a forgotten agent and that of its file leaves no file after the next start', async () => {
  const dataDir = temporaryDir();
  const one = await TestShard.start(dataDir);
  one.say(1, 'a', 'b');
  const old = join(temporaryDir(), 'agents');
  cpSync(join(dataDir, 'agents'), old, { recursive: true });
  one.forget('a');
  const left = afterPowerLoss(dataDir, old);
  const two = await TestShard.start(left);
  const path = two.store.heavy.files.path({ model: 'ledger', id: 'a' });
  expect([existsSync(path), existsSync(`${path}-wal`)]).toEqual([false, false]);
  expect(two.told('b')).toEqual(whole([1]));
});

test('while another process has the file of an agent locked, what is for it waits, in order, also over a restart', async () => {
  const dataDir = temporaryDir();
  const one = await TestShard.start(dataDir);
  one.say(1, 'a');
  one.say(2, 'a', 'b');
  await one.shard.stop();
  const path = one.store.heavy.files.path({ model: 'ledger', id: 'a' });
  const lock = new Database(path);
  lock.pragma('locking_mode=EXCLUSIVE');
  lock.exec('BEGIN EXCLUSIVE');
  const two = await TestShard.start(dataDir);
  two.say(3, 'a', 'b');
  two.say(4, 'a');
  expect(two.told('b')).toEqual(whole([2, 3])); // nobody else waits
  await two.shard.stop();
  const three = await TestShard.start(dataDir);
  three.say(5, 'a');
  expect(three.store.directory.find('ledger', 'a')).toMatchObject({ messages: 2, hasFile: true });
  lock.close();
  await until(() => three.store.directory.find('ledger', 'a')?.messages === 5, 'what waited');
  expect(three.told('a')).toEqual(whole([1, 2, 3, 4, 5]));
});
