import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NO_SESSION_ROWS } from '../src/base/session-rows.ts';
import { MemorySessionStore } from '../src/broker/sessions/index.ts';
import { inlineSessionStore, threadSessionStore } from '../src/session-stores.ts';
import { testSessionStore } from './conformance/session-store.ts';
import { temporaryDir } from './support/bridge.ts';

testSessionStore('memory', () => {
  const store = new MemorySessionStore();
  return () => store;
});
testSessionStore('SQLite in this thread', () => {
  const directory = temporaryDir();
  return () => inlineSessionStore(directory);
});
testSessionStore('SQLite in a thread', () => {
  const directory = temporaryDir();
  return () => threadSessionStore(directory);
});

test('a file that is no database is refused with its name, when it is read and when it is written', async () => {
  const directory = temporaryDir();
  writeFileSync(join(directory, 'sessions.db'), 'x'.repeat(8192));
  const store = threadSessionStore(directory);
  expect(() => store.load()).toThrow(/sessions\.db: file is not a database/);
  const gone = { filters: [], messages: [], outgoing: [], incoming: [], retained: [], wills: ['a'] };
  await expect(store.write({ dropped: [], put: NO_SESSION_ROWS, gone })).rejects.toMatchObject({
    code: 'BRG_DATA_DIR',
  });
  await store.close();
});
