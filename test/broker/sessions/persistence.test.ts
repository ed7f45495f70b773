import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createLog } from '../../../src/base/log.ts';
import type { SessionStore } from '../../../src/base/session-rows.ts';
import { MemorySessionStore, SessionPersistence, Sessions } from '../../../src/broker/sessions/index.ts';
import { SessionDatabase } from '../../../src/store/index.ts';
import { aedesSuite } from './aedes-suite.ts';

// A thousand commits, whose safety is not what is tested here.
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const directory = mkdtempSync(join(base, 'mooring-sessions-'));
afterAll(() => rmSync(directory, { recursive: true }));
let databases = 0;

function database(): SessionStore {
  const own = new SessionDatabase(mkdtempSync(join(directory, `${++databases}-`)));
  return {
    load: () => own.load(),
    write: (changes) => Promise.resolve(own.write(changes)),
    close: () => Promise.resolve(own.close()),
  };
}

const stores = { memory: () => new MemorySessionStore(), SQLite: database };

describe.each(Object.entries(stores))("aedes-persistence's own suite, with rows in %s", (_name, open) => {
  const tests = aedesSuite(() => {
    const sessions = new Sessions({
      store: open(),
      log: createLog({ level: 'silent', format: 'json' }),
      onFatal: (error) => {
        throw error;
      },
      expiryMs: 3_600_000,
      onDropped: () => undefined,
      onTooSlow: () => undefined,
      mayStill: () => true,
    });
    return Promise.resolve(new SessionPersistence(sessions));
  });

  test('it has tests', () => {
    expect(tests).toBeGreaterThan(40);
  });
});
