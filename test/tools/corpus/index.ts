import { escapes } from './escapes.ts';
import { exhaustion } from './exhaustion.ts';
import { protocol } from './protocol.ts';
import type { HostileProgram } from './hostile-program.ts';

export type { HostileProgram };

/** Texts that are hostile before they run: they attack the compiler. */
const texts: readonly HostileProgram[] = [
  { name: 'brackets', code: '('.repeat(60_000) },
  { name: 'arrows', code: `${'a=>'.repeat(20_000)}1` },
  { name: 'sums', code: `${'1+'.repeat(30_000)}1` },
  { name: 'conditions', code: `${'a?b:'.repeat(16_000)}1` },
  { name: 'statements', code: `${'if(1)'.repeat(13_000)};` },
  { name: 'templates', code: '`${'.repeat(20_000) },
  { name: 'types', code: `let x: ${'A<'.repeat(20_000)}B${'>'.repeat(20_000)}` },
  { name: 'lines', code: '1\n'.repeat(30_000) },
  { name: 'fences', code: '```\n'.repeat(16_000) },
  { name: 'too long', code: 'x'.repeat(70_000) },
  { name: 'a long regular expression', code: `/${'('.repeat(60_000)}/` },
  { name: 'identifiers', code: `return ${'a'.repeat(65_000)}` },
];

/** All hostile programs, in a fixed order. */
export const corpus: readonly HostileProgram[] = [...escapes, ...exhaustion, ...protocol, ...texts];
