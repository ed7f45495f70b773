import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { frameClass, FRAMES, type FieldSpec, type FrameSpec } from '../../src/wire/frames.ts';

const ROWS: readonly FrameSpec[] = FRAMES;
const doc = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

const CDDL_TYPES: Record<FieldSpec['type'], string> = {
  string: 'tstr',
  number: 'number',
  boolean: 'bool',
  array: '[* value]',
  object: '{* tstr => value}',
  any: 'value',
  'text-or-map': 'tstr / {* tstr => value}',
};

/** `rule -> { number, fields: lines }` of docs/frames.cddl. */
function cddlRules(): Map<string, { number: number; fields: string[] }> {
  const rules = new Map<string, { number: number; fields: string[] }>();
  for (const [, name, body] of doc('frames.cddl').matchAll(/^(\w+) = \{\n([\s\S]*?)^\}/gm)) {
    const lines = (body ?? '').split('\n').map((line) => line.trim().replace(/ +;/, ' ;'));
    const number = Number(/^0: (\d+),$/.exec(lines[0] ?? '')?.[1]);
    rules.set(name ?? '', { number, fields: lines.slice(1).filter((line) => /^(\? )?\d+:/.test(line)) });
  }
  return rules;
}

function expectedRules(): Map<string, { number: number; fields: string[] }> {
  const rules = new Map<string, { number: number; fields: string[] }>();
  for (const row of ROWS) {
    const fields = Object.entries(row.fields);
    const sides = fields.some(([, field]) => field.only) ? (['in', 'out'] as const) : [null];
    for (const side of sides) {
      rules.set(side === null ? row.type : `${row.type}_${side}`, {
        number: row.number,
        fields: fields
          .filter(([, field]) => !field.only || field.only === side)
          .map(([name, f]) => `${f.optional ? '? ' : ''}${f.key}: ${CDDL_TYPES[f.type]}, ; ${name}`),
      });
    }
  }
  return rules;
}

describe('the frame table', () => {
  test('gives every type its own number above 0', () => {
    expect(ROWS.length).toBe(28);
    expect(new Set(ROWS.map((row) => row.number)).size).toBe(ROWS.length);
    expect(new Set(ROWS.map((row) => row.type)).size).toBe(ROWS.length);
    for (const row of ROWS) expect(row.number).toBeGreaterThan(0);
  });

  test('gives a name one key in every frame, and a key one name; 0 is the type', () => {
    const names = new Map<number, string>([[0, 'type']]);
    const keys = new Map<string, number>([['type', 0]]);
    for (const row of ROWS) {
      for (const [name, { key }] of Object.entries(row.fields)) {
        expect(names.get(key) ?? name, `key ${key} in ${row.type}`).toBe(name);
        expect(keys.get(name) ?? key, `name ${name} in ${row.type}`).toBe(key);
        names.set(key, name);
        keys.set(name, key);
      }
    }
    expect([...names.keys()].sort((a, b) => a - b)).toEqual([...names.keys()].map((_, i) => i));
  });

  test('keeps the numbers that were published', () => {
    expect(Object.fromEntries(ROWS.map((row) => [row.number, row.type]))).toMatchObject({
      1: 'cf_agent_identity',
      2: 'cf_agent_state',
      5: 'rpc',
      7: 'cf_agent_use_chat_response',
      16: 'cf_agent_message_updated',
      32: 'mooring_telemetry',
      40: 'mooring_error',
    });
  });

  test('is what docs/frames.cddl says, rule by rule', () => {
    expect(Object.fromEntries(cddlRules())).toEqual(Object.fromEntries(expectedRules()));
  });

  test('is what docs/protocol.md says, row by row', () => {
    const protocol = doc('protocol.md');
    for (const row of ROWS) {
      const fields = Object.entries(row.fields).map(
        ([name, f]) => `${f.key} \`${name}${f.optional ? '?' : ''}\`${f.only ? ` (${f.only})` : ''}`,
      );
      const cells = [row.number, `\`${row.type}\``, row.class, row.direction, fields.join(', ') || 'none'];
      expect(protocol.replaceAll(/ +/g, ' ')).toContain(`| ${cells.join(' | ')} |`);
    }
  });

  test('has the limits that docs/protocol.md says', () => {
    const rows = [...doc('protocol.md').matchAll(/^\| [^|]+ \| `(\w+)` *\| (\d+) *\|$/gm)];
    expect(rows.length).toBe(9);
    for (const [, name, value] of rows) expect(limits, name).toHaveProperty(name ?? '', Number(value));
  });

  test('tells the class of an outbound frame', () => {
    expect(frameClass('rpc')).toBe('reply');
    expect(frameClass('mooring_rejected')).toBe('errors');
    expect(frameClass('cf_agent_mcp_servers')).toBe('mcp');
  });
});
