/** One shard alone, given batches by hand: what must hold when things meet in the same batch. */
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BatchWriter, readEffects } from '../../src/actor/envelope.ts';
import { Shard } from '../../src/actor/index.ts';
import { EFFECT, FLAG_DURABLE, FLAG_TEXT, KIND, type Kind } from '../../src/actor/messages.ts';
import { createActorFactory } from '../../src/agent/index.ts';
import { systemClock } from '../../src/base/clock.ts';
import { BridgeError } from '../../src/base/errors.ts';
import { limits } from '../../src/base/limits.ts';
import { createLog } from '../../src/base/log.ts';
import { Registry } from '../../src/device/index.ts';
import { Journal, ShardStore } from '../../src/store/index.ts';
import { temporaryDir } from '../support/bridge.ts';
import { agents, definitions } from '../support/lab-devices.ts';
import { until } from '../support/until.ts';

class TestShard {
  readonly shard: Shard;
  readonly store: ShardStore;
  /** What the frames of each connection are to carry. */
  readonly standings = new Map<number, string>();
  #batches = 0;

  constructor(dataDir: string, storePagesMax?: number) {
    this.store = new ShardStore(
      join(dataDir, 'shard.db'),
      storePagesMax === undefined ? {} : { pagesMax: storePagesMax },
    );
    this.shard = new Shard({
      journal: new Journal(join(dataDir, 'journal.db')),
      store: this.store,
      factory: createActorFactory(new Registry(definitions), agents),
      clock: systemClock,
      log: createLog({ level: 'silent', format: 'json' }),
      post: (effects) => {
        for (const { kind, id, text } of readEffects(Buffer.from(effects))) {
          if (kind === EFFECT.standing) this.standings.set(id, text);
        }
      },
    });
  }

  /** One batch of durable records. */
  receive(...records: [kind: Kind, key: string, subject: string, body: unknown][]): void {
    const writer = new BatchWriter();
    for (const [kind, key, subject, body] of records) {
      writer.write(kind, FLAG_DURABLE, key, subject, 1, 0, Date.now(), Buffer.from(JSON.stringify(body)));
    }
    this.shard.receive(
      `batch-${++this.#batches}`,
      Buffer.from(writer.take()),
      records.length,
      records.length,
    );
  }

  /** One record that is not journaled. */
  tell(kind: Kind, key: string, subject = ''): void {
    const writer = new BatchWriter();
    writer.write(kind, 0, key, subject, 1, 0, Date.now(), Buffer.from('{}'));
    this.shard.receive(`batch-${++this.#batches}`, Buffer.from(writer.take()), 1, 0);
  }

  /** Until the returned function is called, a turn of this agent goes on. */
  occupy(key: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.shard.roster.get(key)?.mailbox.run('device', () => promise);
    return resolve;
  }

  connect(key: string, connection: number, uri = '/'): void {
    const writer = new BatchWriter();
    const body = JSON.stringify({ transport: 'websocket', codec: 'json', uri, user: null });
    writer.write(KIND.connect, 0, key, '', connection, 0, Date.now(), Buffer.from(body));
    this.shard.receive(`batch-${++this.#batches}`, Buffer.from(writer.take()), 1, 0);
  }

  frame(key: string, connection: number, standing: string, frame: unknown): void {
    const writer = new BatchWriter();
    const flags = FLAG_DURABLE | FLAG_TEXT;
    const bytes = Buffer.from(JSON.stringify(frame));
    writer.write(KIND.frame, flags, key, standing, connection, 0, Date.now(), bytes);
    this.shard.receive(`batch-${++this.#batches}`, Buffer.from(writer.take()), 1, 1);
  }

  state(key: string): unknown {
    const [model = '', id = ''] = key.split('/');
    const row = this.store.directory.find(model, id);
    return row === undefined ? undefined : JSON.parse(this.store.cell(row.key, 'state') ?? 'null');
  }
}

async function start(dataDir: string, storePagesMax?: number): Promise<TestShard> {
  const one = new TestShard(dataDir, storePagesMax);
  await one.shard.start();
  onTestFinished(() => (one.shard.phase === 'stopped' ? undefined : one.shard.stop()));
  return one;
}

type Said = [kind: Kind, key: string, subject: string, body: unknown];

const said = (key: string, x: number, note = 'fine'): Said => [KIND.telemetry, key, '', { x, note }];
const forget = (key: string): Said => [KIND.request, key, 'forget', {}];
const state = (x: number) => ({ x, note: 'fine' });

test('telemetry behind a forget in the same batch makes a new agent, also for those who look later', async () => {
  const dataDir = temporaryDir();
  const one = await start(dataDir);
  one.receive(said('plain/a', 1, 'old'));
  expect(one.state('plain/a')).toBeTruthy();
  one.receive(said('plain/a', 2), forget('plain/a'), said('plain/a', 3));
  one.receive(said('plain/a', 4));
  expect(one.state('plain/a')).toEqual(state(4));
  expect(one.store.directory.find('plain', 'a')).toMatchObject({ messages: 2 });
  expect(one.shard.roster.size).toBe(1);
  await one.shard.stop();
  const again = await start(dataDir);
  expect(again.state('plain/a')).toEqual(state(4));
});

test('what waits behind a forget, because a turn before it is slow, is not forgotten with it', async () => {
  const one = await start(temporaryDir());
  one.receive(said('lab/a', 1, 'slow'), forget('lab/a'), said('lab/a', 2), said('lab/a', 3));
  await until(() => (one.state('lab/a') as { x: number } | undefined)?.x === 3);
  expect(one.store.directory.find('lab', 'a')).toMatchObject({ messages: 2 });
  expect(one.shard.unapplied).toBe(0);
});

test('a forgotten agent does not come back with what a replay finds of it in the journal', async () => {
  const dataDir = temporaryDir();
  const one = await start(dataDir);
  one.receive(said('plain/slow', 1));
  const end = one.occupy('plain/slow');
  // So the next start replays from here.
  one.receive(said('plain/slow', 2));
  one.receive(said('plain/a', 1), said('plain/b', 1));
  one.tell(KIND.request, 'plain/a', 'forget');
  one.tell(KIND.request, 'plain/b', 'forget');
  // b comes into being again, by something that is not in the journal.
  one.tell(KIND.attach, 'plain/b');
  one.shard.commitNow();
  const left = temporaryDir();
  cpSync(dataDir, left, { recursive: true });
  end();
  const two = await start(left);
  // Not even its hooks ran.
  expect(two.shard.roster.get('plain/a')).toBeUndefined();
  expect(two.store.directory.find('plain', 'slow')).toMatchObject({ messages: 2 });
  expect(two.store.directory.find('plain', 'a')).toBeUndefined();
  expect(two.store.directory.find('plain', 'b')).toMatchObject({ messages: 0 });
  two.receive(said('plain/a', 3), said('plain/b', 3));
  expect(two.store.directory.find('plain', 'a')).toMatchObject({ messages: 1 });
  expect(two.store.directory.find('plain', 'b')).toMatchObject({ messages: 1 });
});

test('a commit that failed does not count for the watermark when its agent is mid-turn at the next try', async () => {
  const dataDir = temporaryDir();
  const one = await start(dataDir);
  let isFull = true;
  const commit = one.store.commit.bind(one.store);
  one.store.commit = (changes, watermark) => {
    if (isFull) throw new BridgeError('BRG_DISK_FULL', 'no room');
    commit(changes, watermark);
  };
  one.receive(said('plain/a', 1), said('plain/b', 1));
  expect(one.shard.phase).toBe('blocked');
  isFull = false;
  // While a is in the middle of a turn, only b can be committed.
  const slow = Promise.withResolvers<void>();
  one.shard.roster.get('plain/a')?.mailbox.run('device', () => slow.promise);
  await until(() => one.state('plain/b'));
  expect([one.state('plain/a'), one.store.watermark]).toEqual([undefined, 0]);
  slow.resolve();
  await until(() => one.state('plain/a'));
  expect([one.store.watermark, one.shard.unapplied]).toEqual([2, 0]);
});

test('messages journaled and not committed are applied at the next start, once', async () => {
  const dataDir = temporaryDir();
  const one = await start(dataDir, 50);
  for (let x = 0; one.shard.phase === 'idle'; x++) one.receive(said(`plain/d${x}`, x, 'x'.repeat(60)));
  const last = one.shard.journal.nextSequence - 1;
  await one.shard.stop();
  const again = await start(dataDir);
  expect([again.store.watermark, again.shard.unapplied]).toEqual([last, 0]);
  expect(again.store.directory.totals()).toMatchObject({ never: 0, online: last, offline: 0 });
  expect(again.store.directory.find('plain', `d${last - 1}`)).toMatchObject({ messages: 1 });
});

test('a sweep goes once round, however many agents are in use', async () => {
  const one = await start(temporaryDir());
  one.receive(said('plain/a', 1), said('plain/b', 1), said('plain/c', 1));
  one.shard.roster.sweep();
  expect(Array.from(one.shard.roster.all(), ({ key }) => key)).toEqual(['plain/a', 'plain/b', 'plain/c']);
});

/** A power loss that left nothing but the journal. */
async function withJournalOf(dataDir: string): Promise<TestShard> {
  const left = temporaryDir();
  for (const name of readdirSync(dataDir)) {
    if (name.startsWith('journal.db')) cpSync(join(dataDir, name), join(left, name));
  }
  return start(left);
}

const setState = (x: number) => ({ type: 'cf_agent_state', state: { x } });

test('a replay handles frames of connections that are gone as they were handled: what was refused is refused', async () => {
  const dataDir = temporaryDir();
  const one = await start(dataDir);
  one.connect('plain/a', 7);
  await until(() => one.standings.has(7));
  const standing = one.standings.get(7) ?? '';
  one.frame('plain/a', 7, standing, setState(1));
  expect(one.state('plain/a')).toEqual({ x: 1 });
  const readonly = JSON.stringify({ ...JSON.parse(standing), remembered: { isReadonly: true } });
  one.frame('plain/b', 8, readonly, setState(2));
  const undecided = JSON.stringify({
    ...JSON.parse(standing),
    remembered: { mask: 'open', capabilities: [] },
  });
  one.frame('plain/c', 9, undecided, setState(3));
  one.frame('plain/d', 10, '', setState(4));
  const two = await withJournalOf(dataDir);
  expect(['a', 'b', 'c', 'd'].map((id) => two.state(`plain/${id}`) ?? null)).toEqual([
    { x: 1 },
    null,
    null,
    null,
  ]);
});

test('only a frame that carries what its connection is now is answered without an fsync of what it did', async () => {
  const one = await start(temporaryDir());
  let syncs = 0;
  const sync = one.store.syncCommitted.bind(one.store);
  one.store.syncCommitted = (files) => (syncs++, sync(files));
  const syncsOf = (say: () => void): number => ((syncs = 0), say(), syncs);
  const before = syncsOf(() => one.connect('plain/a', 7));
  expect(before).toBe(1); // the connection made the agent
  await until(() => one.standings.has(7));
  const standing = one.standings.get(7) ?? '';
  expect(syncsOf(() => one.frame('plain/a', 7, standing, setState(1)))).toBe(0);
  expect(syncsOf(() => one.frame('plain/a', 7, '', setState(2)))).toBe(1);
  expect(syncsOf(() => one.frame('plain/a', 7, standing.replace('"/"', '"/other"'), setState(3)))).toBe(1);
  one.connect('plain/a', 11, `/?${'x'.repeat(limits.standingBytesMax)}`);
  expect(one.standings.get(11) ?? '').toBe('');
  expect(one.state('plain/a')).toEqual({ x: 3 });
});
