import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './source-graph.ts';

interface PackageJson {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
}

const text = readFileSync(join(root, 'package.json'), 'utf8');
const manifest = JSON.parse(text) as PackageJson; // our own file
const names = Object.keys({
  ...manifest.dependencies,
  ...manifest.devDependencies,
  ...manifest.optionalDependencies,
});

it('docs/dependencies.md has a line with owner, licence and reason for every dependency, and no other', () => {
  const document = readFileSync(join(root, 'docs/dependencies.md'), 'utf8');
  const rows = [...document.matchAll(/^\| *`([^`]+)` *\|[^|]*\w[^|]*\|[^|]*\w[^|]*\|[^|]*\w[^|]*\|$/gm)].map(
    ([, name]) => name,
  );
  expect(rows.toSorted()).toEqual(names.toSorted());
});

it('package.json has at most 16 dependencies at run time, all of an exact version', () => {
  expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(16);
  const versions = Object.values({ ...manifest.dependencies, ...manifest.devDependencies });
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
});
