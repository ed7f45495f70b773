/** docs/parity.md keeps its word: each test it names exists, and no defect of the reference is left out. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { root } from './source-graph.ts';

const page = readFileSync(join(root, 'docs/parity.md'), 'utf8');
/** A file, and the titles that follow it: `test/a.test.ts` “one” “two”. */
const NAMED = /`(test\/[^`]+)`((?: “[^”]+”)*)/g;
const DEFECTS = 17;
/** Rows of the beat list in the specification of parity. */
const TO_BEAT = 12;

interface NamedTest {
  readonly path: string;
  readonly title: string;
}

function namedIn(text: string): NamedTest[] {
  return [...text.matchAll(NAMED)].flatMap(([, path = '', titles = '']) => {
    const found = [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title);
    // A file without a title shows nothing.
    return (found.length > 0 ? found : ['']).map((title) => ({ path, title }));
  });
}

/** The first argument of each `test`, `it` and `describe` of a file, as it stands there. */
function titlesOf(path: string): Set<string> {
  const file = join(root, path);
  if (!existsSync(file)) return new Set();
  const titles = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(test|it|describe)\b/.test(node.expression.getText())) {
      const [first] = node.arguments;
      if (first !== undefined && ts.isStringLiteralLike(first)) titles.add(first.text);
      else if (first !== undefined && ts.isTemplateExpression(first))
        titles.add(first.getText().slice(1, -1));
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true));
  return titles;
}

function missing(named: readonly NamedTest[]): string[] {
  const titles = new Map(named.map(({ path }) => [path, titlesOf(path)] as const));
  return named
    .filter(({ path, title }) => titles.get(path)?.has(title) !== true)
    .map(({ path, title }) => `${path} “${title}”`);
}

/** The cells of the table rows below a heading. */
function rowsBelow(heading: string): string[][] {
  const [, after = ''] = page.split(`${heading}\n`);
  const [section = ''] = after.split(/\n#/);
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

it('every test that docs/parity.md names exists, with that title', () => {
  const named = namedIn(page);
  expect(named.length).toBeGreaterThan(50);
  expect(missing(named)).toEqual([]);
});

it('a test that does not exist, a title that is another, and a file without a title are found', () => {
  const text =
    '`test/none.test.ts` “x” `test/parity.test.ts` “y” “every test that” and `test/parity.test.ts`.';
  expect(missing(namedIn(text))).toHaveLength(4);
});

it('each of the 17 defects and each line of the beat list has a test, or waits for chat', () => {
  const defects = rowsBelow('## Defects that are none here');
  expect(defects.map(([number]) => number)).toEqual(Array.from({ length: DEFECTS }, (_, n) => String(n + 1)));
  const beaten = rowsBelow('### The beat list');
  expect(beaten).toHaveLength(TO_BEAT);
  const isShown = (cell = ''): boolean =>
    namedIn(cell).length > 0 || cell.includes('with chat') || /^\d/.test(cell);
  for (const row of [...defects, ...beaten, ...rowsBelow('## What its users ask for')]) {
    expect([row[0], isShown(row.at(-1))]).toEqual([row[0], true]);
  }
});
