import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '../src/base/limits.ts';
import { parseSource, readSources, root, type Reference, type SourceFile } from './source-graph.ts';

/** The house: what each room may import. Arrows go down only. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  wire: ['base'],
  device: ['base', 'wire'],
  store: ['base'],
  actor: ['base', 'store'],
  identity: ['base', 'store'],
  inference: ['base'],
  tools: ['base', 'inference'],
  agent: ['base', 'wire', 'device', 'actor', 'tools', 'inference'],
  broker: ['base', 'device', 'actor', 'identity'],
  gateway: ['base', 'wire', 'actor', 'identity'],
  // At run time too: the page speaks CBOR with the very code of the bridge.
  dashboard: ['wire'],
  client: ['base', 'wire'],
};

/** Files in src/ itself; they may import every room but the page. */
const ROOT_FILES = [
  'main.ts',
  'cli.ts',
  'config.ts',
  'config-values.ts',
  'bridge.ts',
  'broker-settings.ts',
  'data-dir.ts',
  'mcp-bridge.ts',
  'shard.ts',
  'shard-links.ts',
  'shard-group.ts',
  'shard-inline.ts',
  'journal-thread.ts',
  'shard-thread.ts',
  'session-stores.ts',
  'session-thread.ts',
  'shard-watch.ts',
  'thread-guard.ts',
  'stray-errors.ts',
  'fast-start.ts',
  'index.ts',
];
const BRIDGE_ROOMS = Object.keys(ROOMS).filter((room) => room !== 'dashboard');

/** Who may import a package of package.json. `src` stands for the root files. */
const PACKAGE_OWNERS: Readonly<Record<string, readonly string[]>> = {
  pino: ['base'],
  '@opentelemetry/api': ['base'],
  'prom-client': ['base'],
  'cbor-x': ['wire'],
  'better-sqlite3': ['store'],
  '@modelcontextprotocol/client': ['tools'],
  '@modelcontextprotocol/server': ['tools'],
  croner: ['agent'],
  ai: ['agent'],
  '@ai-sdk/openai-compatible': ['inference'],
  jose: ['identity'],
  aedes: ['broker'],
  ws: ['gateway'],
  'quickjs-emscripten': ['tools'],
  typescript: ['tools'],
  zod: ['gateway', 'src'],
  mqtt: ['firmware-sim'],
  preact: ['dashboard'],
  uplot: ['dashboard'],
};

const FORBIDDEN_NAMES = /(^|\/)((utils?|common|helpers?|services?|core)(\.tsx?)?|types\.tsx?)(\/|$)/;

/** What would make the order of the actor room's steps, or its numbers, another one in each run. */
const UNREPEATABLE = [
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'nextTick',
  'hrtime',
  'random',
  'MessagePort',
  'MessageChannel',
];
const UNREPEATABLE_MODULES = ['node:timers', 'node:timers/promises', 'node:crypto', 'node:worker_threads'];

/** What an actor file uses of that, instead of `LoopClock` and `Chance`. */
function unrepeatable(file: SourceFile): string[] {
  const names = UNREPEATABLE.filter((name) => file.identifiers.has(name));
  const imports = file.references.filter(
    ({ specifier, target, names: used }) =>
      UNREPEATABLE_MODULES.includes(specifier) ||
      (target === 'src/base/ids.ts' && (used === null || used.includes('newId'))),
  );
  return [...names, ...imports.map(({ specifier }) => specifier)].map((what) => `${file.path}: ${what}`);
}

/** The room of a file: a folder of src, `src` for root files, else the top folder. */
function roomOf(path: string): string {
  const [top, second, third] = path.split('/');
  if (top !== 'src' || second === undefined) return top ?? '';
  // The commands are part of the composition root.
  return third === undefined || second === 'cli' ? 'src' : second;
}

function allowedRooms(room: string): readonly string[] {
  if (room === 'src') return [...BRIDGE_ROOMS, 'devices', 'src'];
  if (room === 'devices') return ['device', 'agent'];
  if (room === 'firmware-sim') return ['base', 'wire', 'device', 'devices', 'src'];
  return ROOMS[room] ?? [];
}

/** Why a file may not have this reference; undefined when it may. */
function violation(file: SourceFile, reference: Reference): string | undefined {
  const from = roomOf(file.path);
  const { specifier, target } = reference;
  if (target === null) return packageViolation(from, specifier);
  const to = roomOf(target);
  if (to === from) return undefined;
  if (!allowedRooms(from).includes(to)) return `${from} may not import ${to}`;
  if (from === 'firmware-sim' && to === 'src' && target !== 'src/index.ts')
    return `only src/index.ts may be imported`;
  const isByFile = to === 'base' || to === 'src' || to === 'devices';
  if (!isByFile && target !== `src/${to}/index.ts`) return `${to} is reached through its index.ts only`;
  return undefined;
}

function packageViolation(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:'))
    return from === 'dashboard' ? 'a browser has no node: modules' : undefined;
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const owners = PACKAGE_OWNERS[name];
  if (owners === undefined) return `${name} has no owner`;
  return owners.includes(from) ? undefined : `${name} belongs to ${owners.join(', ')}`;
}

function violations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    file.references.flatMap((reference) => {
      const why = violation(file, reference);
      return why === undefined ? [] : [`${file.path}:${reference.line} ${reference.specifier}: ${why}`];
    }),
  );
}

describe('architecture', () => {
  const files = readSources(['src', 'devices', 'firmware-sim']);

  it('has imports that go down only, through index.ts, each package from its owner', () => {
    const seen = files.reduce((sum, file) => sum + file.references.length, 0);
    expect(seen).toBeGreaterThan(50);
    expect(violations(files)).toEqual([]);
  });

  it('has only the rooms of the table, and the known root files', () => {
    const entries = readdirSync(join(root, 'src'), { withFileTypes: true });
    const rooms = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    const rootFiles = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(rooms.filter((room) => room !== 'cli' && !(room in ROOMS))).toEqual([]);
    expect(rootFiles.filter((name) => !ROOT_FILES.includes(name))).toEqual([]);
  });

  it('has no file over 300 lines and none of a name that says nothing', () => {
    expect(files.filter(({ lines }) => lines > 300).map(({ path, lines }) => `${path}: ${lines}`)).toEqual(
      [],
    );
    expect(files.map(({ path }) => path).filter((path) => FORBIDDEN_NAMES.test(path))).toEqual([]);
  });

  it('has every limit in use', () => {
    const used = new Set(files.filter(({ path }) => !path.startsWith('src/base/limits')).flatMap(namesIn));
    expect(Object.keys(limits).filter((name) => !used.has(name))).toEqual([]);
  });

  it('has no time and no chance in the actor room but those a simulator can hold', () => {
    const actorFiles = files.filter(({ path }) => path.startsWith('src/actor/'));
    expect(actorFiles.length).toBeGreaterThan(30);
    expect(actorFiles.flatMap(unrepeatable)).toEqual([]);
    const sample = `import { newId } from '../base/ids.ts'; import 'node:crypto'; setTimeout(f, Date.now() * Math.random());`;
    expect(unrepeatable(parseSource('src/actor/a.ts', sample))).toHaveLength(5);
  });

  it.each([
    ['src/store/a.ts', `import { x } from '../actor/index.ts';`, 'store may not import actor'],
    ['src/broker/a.ts', `export * from '../gateway/index.ts';`, 'broker may not import gateway'],
    ['src/actor/a.ts', `const x = await import('../wire/index.ts');`, 'actor may not import wire'],
    ['src/actor/a.ts', `new Worker(new URL('../shard.ts', import.meta.url));`, 'actor may not import src'],
    ['src/agent/a.ts', `import type { X } from '../actor/port.ts';`, 'through its index.ts only'],
    ['src/agent/a.ts', `let x: import('../broker/index.ts').X;`, 'agent may not import broker'],
    ['src/actor/a.ts', `import Database from 'better-sqlite3';`, 'better-sqlite3 belongs to store'],
    ['src/wire/a.ts', `import x from '@scope/unknown/deep';`, '@scope/unknown has no owner'],
    ['src/dashboard/a.tsx', `import 'node:fs';`, 'a browser has no node: modules'],
    ['firmware-sim/a.ts', `import { x } from '../src/config.ts';`, 'only src/index.ts'],
    ['devices/a.ts', `import { x } from '../src/store/index.ts';`, 'devices may not import store'],
  ])('notices in %s: %s', (path, text, why) => {
    expect(violations([parseSource(path, text)])).toEqual([expect.stringContaining(why)]);
  });

  it.each([
    [
      'src/agent/chat/a.ts',
      `import { x } from '../agent.ts'; import { assert } from '../../base/errors.ts';`,
    ],
    [
      'src/bridge.ts',
      `import { definitions } from '../devices/index.ts'; import { x } from './store/index.ts';`,
    ],
    ['devices/a.ts', `import { defineDevice } from '../src/device/index.ts';`],
    ['firmware-sim/a.ts', `import { connect } from 'mqtt'; import { x } from '../src/index.ts';`],
  ])('allows in %s: %s', (path, text) => {
    expect(violations([parseSource(path, text)])).toEqual([]);
  });
});

function namesIn(file: SourceFile): string[] {
  return [...file.identifiers.keys()];
}
