import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { limits } from '../../../src/base/limits.ts';
import { ProgramCompiler } from '../../../src/tools/codemode/compile.ts';

const compiler = new ProgramCompiler(systemClock);
afterAll(() => compiler.close());

async function codeOf(text: string): Promise<string> {
  const compiled = await compiler.compile(text);
  if (!compiled.ok) throw new Error(compiled.error.message);
  return compiled.program.code;
}

async function errorOf(text: string): Promise<unknown> {
  const compiled = await compiler.compile(text);
  return compiled.ok ? compiled.program.code : compiled.error;
}

describe('a program', () => {
  it('keeps its lines: types are blanked, fences leave their lines', async () => {
    const code = await codeOf('Look:\n```typescript\nconst a: number = 1;\nreturn a as number;\n```\nDone');
    expect(code.split('\n').map((line) => line.trimEnd())).toEqual([
      '',
      '',
      'const a         = 1;',
      'return a          ;',
    ]);
  });

  it('gives the value of its last expression, not of a declaration', async () => {
    expect(await codeOf('const a = 1; a + 1;')).toBe('const a = 1;return( a + 1\n)');
    expect(await codeOf('await run();\nasync function run() {}')).toBe(
      'await run();\nasync function run() {}',
    );
    expect(await codeOf('const a = f\n(1)')).toBe('const a = f\n(1)');
    expect(await codeOf('const t = `a;\nb`')).toBe('const t = `a;\nb`');
  });

  it('is refused with line and column in the text the model wrote', async () => {
    expect(await errorOf('const a = 1;\nlet b: number = ;')).toEqual({
      message: 'Expression expected',
      line: 2,
      column: 17,
    });
    expect(await errorOf('let b = = 1')).toEqual({ message: 'Expression expected', line: 1, column: 9 });
    expect(await errorOf('const a = 1;\nconst a = 2;')).toMatchObject({ line: 2, column: 7 });
    expect(await errorOf('enum A { B }')).toMatchObject({
      message: expect.stringContaining('enum'),
      line: 1,
    });
    expect(await errorOf('import fs from "node:fs"')).toMatchObject({
      message: expect.stringContaining('cannot import'),
    });
  });

  it('is refused when it closes the function it is put into', async () => {
    expect(await errorOf('}); await env.t.x(); (async () => {')).toHaveProperty('message');
    expect(await errorOf('}; const other = async () => {')).toHaveProperty('message');
    expect(await errorOf('}, async () => {')).toHaveProperty('message');
  });

  it(`is refused beyond ${limits.programCharactersMax} characters, and when there is none`, async () => {
    expect(await errorOf('x'.repeat(limits.programCharactersMax + 1))).toHaveProperty('message');
    expect(await errorOf(' \n')).toEqual({ message: 'the program is empty' });
  });
});

describe('the compiler', () => {
  it('survives texts that kill the type stripper, and goes on', async () => {
    // Node's own stripper answers nobody any more after the first of them, in the thread where it met it.
    for (const text of ['('.repeat(60_000), `${'a=>'.repeat(20_000)}1`, `${'1+'.repeat(30_000)}1`]) {
      expect(await errorOf(text)).toEqual({ message: 'the program is nested too deeply' });
    }
    expect(await codeOf('const a: number = 1; return a')).toBe('const a         = 1; return a');
  });

  it('gives up a text that drives the parser to hang, and goes on', async () => {
    const [hanging, next] = await Promise.all([errorOf('<T>('.repeat(40)), codeOf('return 1')]);
    expect(hanging).toEqual({ message: `the program was not parsed within ${limits.programCompileMs} ms` });
    expect(next).toBe('return 1');
  });
});
