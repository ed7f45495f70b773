import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { limits } from '../../../src/base/limits.ts';
import { budgetOf } from '../../../src/tools/codemode/budget.ts';
import {
  canonicalJson,
  parseHostileJson,
  toJson,
  type Json,
} from '../../../src/tools/codemode/hostile-json.ts';
import { createRedactor } from '../../../src/tools/codemode/redact.ts';
import { checkAgainstSchema } from '../../../src/tools/codemode/schema-check.ts';
import { ToolHost, type ToolBinding } from '../../../src/tools/codemode/tool-host.ts';

describe('JSON that crosses', () => {
  it('is read like JSON, but for poisoned keys', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 10 }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/__proto__|constructor|prototype/.test(text));
        expect(parseHostileJson(text, 1e6)).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
    const parsed = parseHostileJson('{"__proto__":{"a":1},"b":[{"constructor":1,"c":2}]}', 1000);
    expect(parsed).toEqual({ ok: true, value: { b: [{ c: 2 }] } });
  });

  it('is refused before it is parsed when too long, too deep or too much', () => {
    expect(parseHostileJson('"éé"', 5)).toEqual({ ok: false, why: 'more than 5 bytes' });
    const depth = limits.programJsonDepthMax;
    expect(parseHostileJson('['.repeat(depth) + ']'.repeat(depth), 1e6).ok).toBe(true);
    expect(parseHostileJson('['.repeat(depth + 1) + ']'.repeat(depth + 1), 1e6).ok).toBe(false);
    expect(parseHostileJson(`[${'0,'.repeat(limits.programJsonValuesMax)}0]`, 1e6).ok).toBe(false);
    expect(parseHostileJson(JSON.stringify('[{"\\'.repeat(1000)), 1e6).ok).toBe(true);
    expect(toJson({ toJSON: () => undefined }, 10)).toEqual({ ok: true, value: null });
    expect(toJson(1n, 10).ok).toBe(false);
  });

  it('has one canonical form, whatever the order of its keys', () => {
    expect(canonicalJson({ b: [1, { d: 1, c: null }], a: 'x' })).toBe('{"a":"x","b":[1,{"c":null,"d":1}]}');
  });
});

describe('a redactor', () => {
  const { text, json } = createRedactor(['hunter2-hunter2', 'abc']);

  it('finds a secret in its other forms, and leaves short ones alone', () => {
    const forms = [
      'hunter2-hunter2',
      'HUNTER2-HUNTER2',
      '2retnuh-2retnuh',
      Buffer.from('hunter2-hunter2').toString('hex'),
    ];
    for (const form of [...forms, Buffer.from('hunter2-hunter2').toString('base64')])
      expect(text(`x ${form} y`)).toBe('x [redacted] y');
    expect(text('abcdef')).toBe('abcdef');
  });

  it('finds what looks like a secret', () => {
    expect(text('Authorization: Bearer abcdefgh12345678')).not.toContain('abcdefgh');
    expect(text('https://admin:s3cret@host/path')).toBe('https://[redacted]@host/path');
    expect(text('{"password":"hello-world"}')).not.toContain('hello');
    expect(text('sk-ABCDEFGHIJKLMNOPQRSTUV')).toBe('[redacted]');
    expect(json({ list: ['AKIAABCDEFGHIJKLMNOP'], apiKey: 'short', ok: 'temperature: 21' })).toEqual({
      list: ['[redacted]'],
      apiKey: '[redacted]',
      ok: 'temperature: 21',
    });
  });

  it('is done with a megabyte of anything', () => {
    for (const hostile of ['password=', 'a://', 'eyJaaaaaaaa.', '-----BEGIN PRIVATE KEY-----', 'secret":"']) {
      expect(text(hostile.repeat(1_000_000 / hostile.length))).toEqual(expect.any(String));
    }
  });
});

describe('a schema', () => {
  const schema = {
    type: 'object',
    properties: {
      id: { type: 'string', maxLength: 3 },
      mode: { enum: ['on', 'off'] },
      level: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
      tree: { $ref: '#/$defs/tree' },
    },
    required: ['id'],
    additionalProperties: false,
    $defs: { tree: { type: 'array', items: { $ref: '#/$defs/tree' } } },
  };

  it.each([
    [{ id: 'a', mode: 'on', level: null, tree: [[], [[]]] }, []],
    [{ mode: 'on' }, ['id: is missing']],
    [{ id: 'abcd' }, ['id: at most 3 characters']],
    [{ id: 'a', mode: 'up' }, ['mode: expected one of ["on","off"]']],
    [{ id: 'a', level: 1.5 }, ['level: fits none of its forms']],
    [{ id: 'a', tree: [[1]] }, ['tree[0][0]: expected array, got number']],
    [{ id: 'a', other: 1 }, ['other: is not known; there are id, mode, level, tree']],
    [[], ['the arguments: expected object, got array']],
  ])('%j has problems %j', (value: Json, problems) => {
    expect(checkAgainstSchema(value, schema)).toEqual(problems);
  });

  it('that never ends is given up, and then nothing fits', () => {
    expect(checkAgainstSchema(1, { $ref: '#' })).not.toEqual([]);
    let bomb: Record<string, unknown> = { type: 'integer' };
    for (let i = 0; i < 30; i++) bomb = { not: { anyOf: [bomb, bomb] } };
    expect(checkAgainstSchema(1, bomb)).toEqual(['the arguments: the schema is too complex to check']);
  });

  it('does not evaluate patterns: they could hang the host', () => {
    expect(checkAgainstSchema('a'.repeat(50), { type: 'string', pattern: '^(a+)+$b' })).toEqual([]);
  });
});

describe('a tool host', () => {
  const tool: ToolBinding = {
    namespace: 'n',
    name: 'x',
    description: '',
    inputSchema: true,
    call: () => ({ kind: 'value', value: 1 }),
  };
  const options = {
    clock: systemClock,
    redactor: createRedactor(),
    callMs: 5000,
    answerBytesMax: 1000,
    sequence: 0,
    isApproved: false,
    signal: new AbortController().signal,
  };

  it.each([['then'], ['__proto__'], ['a b'], ['a.b'], ['']])('refuses the name %j', (name) => {
    expect(() => new ToolHost([{ ...tool, name }])).toThrow('no name of a tool');
  });

  it('refuses two tools of one name, and a schema beyond all limits', () => {
    expect(() => new ToolHost([tool, tool])).toThrow('two tools n.x');
    let deep: Record<string, unknown> = {};
    for (let i = 0; i < 100; i++) deep = { items: deep };
    expect(() => new ToolHost([{ ...tool, inputSchema: deep }])).toThrow('nested deeper');
  });

  it('knows no tool that is not in it, inherited names included', async () => {
    const host = new ToolHost([tool]);
    for (const [namespace, name] of [
      ['n', 'y'],
      ['m', 'x'],
      ['__proto__', 'x'],
      ['n', 'toString'],
    ] as const) {
      expect(await host.call(namespace, name, {}, options)).toMatchObject({
        kind: 'error',
        code: 'unknown-tool',
      });
    }
    expect(await host.call('n', 'x', {}, options)).toEqual({ kind: 'value', value: 1 });
  });
});

it('a budget is brought back into its range', () => {
  expect(budgetOf({ wallMs: 1e12, callsMax: -5, cpuMs: NaN })).toEqual({
    ...budgetOf(),
    wallMs: limits.programWallMaxMs,
    callsMax: 1,
  });
});
