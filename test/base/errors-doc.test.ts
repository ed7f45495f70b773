/**
 * docs/errors.md mirrors the table in src/base/errors.ts. `UPDATE_DOCS=1 npx vitest run test/base/errors-doc.test.ts`
 * writes it anew; the last column, what to do, is written by hand in the document and kept.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { describe, expect, it } from 'vitest';
import { ERRORS, errorSpec, type ErrorCode } from '../../src/base/errors.ts';

const path = join(import.meta.dirname, '../../docs/errors.md');

const HEAD = `# Error codes

Every failure a user, a client or an operator can meet has a stable code. HTTP answers carry it in the \`code\` of
their problem document (RFC 9457), frames in \`code\`, WebSocket closes in the reason. "Shown" says whether the
message itself leaves the process; where it does not, clients see the title and the log has the rest.

| code | HTTP | close code | shown | what happened | what to do |
| --- | --- | --- | --- | --- | --- |
`;

/** The last column of each row that is there, by code. */
function advice(document: string): Map<string, string> {
  const rows = document.matchAll(/^\| *`(BRG_\w+)` *\|.*\|([^|]*)\|$/gm);
  return new Map([...rows].map(([, code, text]) => [code ?? '', text?.trim() ?? '']));
}

async function render(known: ReadonlyMap<string, string>): Promise<string> {
  const codes = Object.keys(ERRORS) as ErrorCode[]; // exactly the keys of the table
  const rows = codes.map((code) => {
    const { status, closeCode, public: isShown, title } = errorSpec(code);
    const shown = isShown ? 'yes' : 'no';
    return `| \`${code}\` | ${status} | ${closeCode ?? '-'} | ${shown} | ${title} | ${known.get(code) ?? ''} |\n`;
  });
  return format(HEAD + rows.join(''), { ...(await resolveConfig(path)), parser: 'markdown' });
}

describe('docs/errors.md', () => {
  it('has every code as src/base/errors.ts says it', async () => {
    const known = advice(readFileSync(path, 'utf8'));
    const wanted = await render(known);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, wanted);
    expect(readFileSync(path, 'utf8')).toBe(wanted);
  });

  it('says for every code what to do', () => {
    const known = advice(readFileSync(path, 'utf8'));
    expect(Object.keys(ERRORS).filter((code) => (known.get(code) ?? '') === '')).toEqual([]);
  });
});
