import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { documentedLimits, limitsPath, renderLimits } from '../../scripts/limits-doc.ts';
import { limits } from '../../src/base/limits.ts';

it('docs/limits.md is what the limits say now (npm run docs:limits writes it)', async () => {
  expect(readFileSync(limitsPath, 'utf8')).toBe(await renderLimits());
});

it('docs/limits.md has each limit once, with a value and what it is for', async () => {
  const page = await renderLimits();
  expect(documentedLimits(page).sort()).toEqual(Object.keys(limits).sort());
  expect(page).not.toContain('undefined');
  expect([...page.matchAll(/^## (.*)$/gm)].filter(([, title]) => title === '')).toEqual([]);
});
