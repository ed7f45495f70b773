import { describe, expect, it } from 'vitest';
import { parseSource, readSources, type Export, type SourceFile } from './source-graph.ts';

/** Their exports must be used ... */
const CHECKED = ['src', 'devices', 'firmware-sim'];
/** ... by one of these. A test or a benchmark is no use: what only they need is dead. */
const USERS = ['.', ...CHECKED, 'scripts', 'training'];

/** Exports of these are for people, not for files. */
const PUBLIC_FILES = ['src/index.ts'];

/**
 * Exports that no other file uses. Not reported: `@public` in the docstring, what src/index.ts exports,
 * and types that their own file uses (they name a part of a signature).
 */
function deadExports(files: readonly SourceFile[]): string[] {
  const used = usedNames(files);
  return files
    .filter(({ path }) => CHECKED.includes(path.split('/')[0] ?? '') && !PUBLIC_FILES.includes(path))
    .flatMap((file) =>
      file.exports
        .filter((item) => !isUsed(item, file, used.get(file.path)))
        .map(({ name, line }) => `${file.path}:${line} ${name}`),
    );
}

function isUsed(item: Export, file: SourceFile, names: Set<string> | 'all' | undefined): boolean {
  if (item.isPublic || names === 'all' || names?.has(item.name) === true) return true;
  return item.isType && (file.identifiers.get(item.name) ?? 0) > 1;
}

function usedNames(files: readonly SourceFile[]): Map<string, Set<string> | 'all'> {
  const used = new Map<string, Set<string> | 'all'>();
  for (const { target, names } of files.flatMap((file) => file.references)) {
    if (target === null) continue;
    const before = used.get(target);
    if (names === null || before === 'all') used.set(target, 'all');
    else used.set(target, new Set([...(before ?? []), ...names]));
  }
  return used;
}

describe('exports', () => {
  it('are each used by another file than a test', () => {
    const files = readSources(USERS);
    expect(files.flatMap((file) => file.exports).length).toBeGreaterThan(50);
    expect(deadExports(files)).toEqual([]);
  });

  it('are reported when nobody, or only a re-export nobody uses, imports them', () => {
    const files = [
      parseSource('src/a/one.ts', 'export const used = 1, dead = 2; export function lonely() { used; }'),
      parseSource('src/a/index.ts', `export { used, lonely as renamed } from './one.ts';`),
      parseSource('src/b.ts', `import { used } from './a/index.ts';`),
    ];
    expect(deadExports(files)).toEqual(['src/a/one.ts:1 dead', 'src/a/index.ts:1 renamed']);
  });

  it('are not reported when public, when a namespace is imported, or for a type of a signature', () => {
    const files = [
      parseSource('src/a.ts', '/** For authors. @public */\nexport class Kept {}'),
      parseSource('src/b.ts', 'export const x = 1;\nexport default 2;'),
      parseSource('src/c.ts', `import * as b from './b.ts';`),
      parseSource('src/d.ts', 'export interface Options { n: number }\nexport interface Dead { n: Options }'),
      parseSource('src/index.ts', 'export const api = 1;'),
    ];
    expect(deadExports(files)).toEqual(['src/d.ts:2 Dead']);
  });
});
