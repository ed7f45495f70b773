import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { performanceDoc } from './bench/performance-doc.ts';
import { root } from './source-graph.ts';

it('docs/performance.md and its charts are what its text and its results make', async () => {
  const files = await performanceDoc();
  expect(files.map(({ path }) => path)).toContain('performance.md');
  for (const { path, text } of files) {
    expect(readFileSync(join(root, 'docs', path), 'utf8'), `npm run bench -- --write-docs: ${path}`).toBe(
      text,
    );
  }
});

it('every result that is kept is shown, and every chart', () => {
  const text = readFileSync(join(root, 'docs/performance/text.md'), 'utf8');
  const shown = [...text.matchAll(/^<!-- result (\S+) -->$/gm)].map(([, name]) => `${name}.json`);
  expect(shown.sort()).toEqual(readdirSync(join(root, 'docs/performance/results')).sort());
  const charts = [...text.matchAll(/\(performance\/(\S+\.svg)\)/g)].map(([, name]) => name);
  const drawn = readdirSync(join(root, 'docs/performance')).filter((name) => name.endsWith('.svg'));
  expect(charts.sort()).toEqual(drawn.sort());
});
