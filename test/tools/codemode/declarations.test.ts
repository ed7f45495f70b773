import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import {
  catalogTools,
  describeTools,
  needsCatalog,
  searchTools,
} from '../../../src/tools/codemode/catalog.ts';
import { declareTools, type DeclaredTool } from '../../../src/tools/codemode/declarations.ts';
import type { JsonSchema } from '../../../src/tools/codemode/schema-check.ts';

function tool(name: string, inputSchema: JsonSchema, more: Partial<DeclaredTool> = {}): DeclaredTool {
  return { namespace: 'pump', name, description: `Does ${name}`, inputSchema, ...more };
}

/** What a TypeScript parser finds wrong with it. */
function problemsOf(text: string): string[] {
  const { diagnostics } = ts.transpileModule(text, { reportDiagnostics: true });
  return (diagnostics ?? []).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

/** Statements of a declaration file: a hostile one would add its own. */
function statementsOf(text: string): number {
  return ts.createSourceFile('d.ts', text, ts.ScriptTarget.Latest).statements.length;
}

describe('declarations', () => {
  it('say what a schema says', () => {
    const inputSchema = {
      type: 'object',
      properties: {
        id: { type: 'string', description: 'of the pump' },
        hours: { type: 'integer', minimum: 1, maximum: 48, default: 24 },
        mode: { enum: ['fast', 'slow', 3, null] },
        parts: { type: 'array', items: { type: ['string', 'null'] } },
        place: { type: 'object', properties: { 'floor-no': { type: 'number' } }, required: ['floor-no'] },
        tree: { $ref: '#/$defs/tree' },
      },
      required: ['id'],
      $defs: { tree: { type: 'array', items: { $ref: '#/$defs/tree' } } },
    };
    const outputSchema = { type: 'array', items: { type: 'number' } };
    const text = declareTools([tool('history', inputSchema, { outputSchema }), tool('list', true)]);
    expect(text).toBe(`declare const env: {
  pump: {
    /** Does history */
    history(args: { /** of the pump */ id: string; /** 1..48, default 24 */ hours?: number; mode?: "fast" | "slow" | 3 | null; parts?: Array<string | null>; place?: { "floor-no": number }; tree?: unknown[] }): Promise<number[]>;
    /** Does list */
    list(args?: unknown): Promise<unknown>;
  };
};
`);
    expect(problemsOf(text)).toEqual([]);
  });

  it('name an answer that recurs once, and leave out arguments that cannot be', () => {
    const nothing = { type: 'object', properties: {}, additionalProperties: false };
    const outputSchema = {
      type: 'object',
      properties: { outcome: { enum: ['done', 'refused'] }, explanation: { type: 'string' } },
      required: ['outcome'],
    };
    const text = declareTools(['start', 'stop'].map((name) => tool(name, nothing, { outputSchema })));
    expect(text).toBe(`type Answer1 = { outcome: "done" | "refused"; explanation?: string };
declare const env: {
  pump: {
    /** Does start */
    start(args?: {}): Promise<Answer1>;
    /** Does stop */
    stop(args?: {}): Promise<Answer1>;
  };
};
`);
    expect(problemsOf(text)).toEqual([]);
  });

  it.each([
    ['ends its comment', { description: '*/ evil(); /*' }],
    ['has line breaks', { description: 'a\n}; evil();\u2028\u2029\r\u0000\u202e' }],
    ['is endless', { description: 'x'.repeat(1e6) }],
    [
      'has hostile members',
      {
        inputSchema: {
          type: 'object',
          properties: { 'a: 1 } evil() {': { type: 'string' }, '*/': true, '': { const: '"; evil()' } },
        },
      },
    ],
    ['has a hostile enumeration', { inputSchema: { enum: ['"]; evil(); ["', '\\', '`${evil()}`', {}] } }],
    ['has a hostile type', { inputSchema: { type: 'string } evil() {' } }],
    [
      'has hostile facts',
      {
        inputSchema: {
          type: 'object',
          properties: {
            a: { type: 'number', minimum: '*/ evil()', default: '*/ evil() /*', description: '*/ evil()' },
          },
        },
      },
    ],
    ['refers to nothing', { inputSchema: { $ref: '#/__proto__/constructor' } }],
  ] as const)('hold when a tool %s', (_, more) => {
    const text = declareTools([tool('x', true, more)]);
    expect(problemsOf(text)).toEqual([]);
    expect(statementsOf(text)).toBe(1);
    expect(text.length).toBeLessThan(20_000);
  });

  it('end where a schema does not', () => {
    let deep: Record<string, unknown> = { type: 'string' };
    for (let i = 0; i < 50; i++) deep = { type: 'object', properties: { a: deep, b: deep } };
    const text = declareTools([tool('x', deep)]);
    expect(text.length).toBeLessThan(200_000);
    expect(problemsOf(text)).toEqual([]);
  });
});

describe('a catalogue', () => {
  const tools = ['readHistory', 'stop', 'start', 'set_speed'].map((name) => tool(name, true));

  it('finds tools by words of their names first', () => {
    expect(searchTools(tools, 'history of a pump')[0]).toEqual({
      tool: 'pump.readHistory',
      description: 'Does readHistory',
    });
    expect(searchTools(tools, 'speed')[0]?.tool).toBe('pump.set_speed');
    expect(searchTools(tools, 'zebra')).toEqual([]);
    expect(needsCatalog(tools)).toBe(false);
  });

  it('takes the place of declarations that are many, or long', () => {
    const some = (count: number, description: string): DeclaredTool[] =>
      Array.from({ length: count }, (_, i) => tool(`t${i}`, true, { description }));
    expect([some(40, 'x'), some(41, 'x'), some(12, 'x'.repeat(1000))].map(needsCatalog)).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('declares what is asked for, and is a pair of tools itself', async () => {
    expect(describeTools(tools, ['pump.stop', 'pump.nothing'])).toContain('stop(');
    expect(describeTools(tools, ['pump.stop'])).not.toContain('start(');
    const bindings = catalogTools(
      tools.map((each) => ({ ...each, call: () => ({ kind: 'value' as const, value: 1 }) })),
    );
    const context = { signal: new AbortController().signal, sequence: 0, isApproved: false };
    expect(await bindings[0]?.call({ query: 'stop' }, context)).toMatchObject({
      value: [{ tool: 'pump.stop' }],
    });
    expect(await bindings[1]?.call({ tools: ['pump.stop'] }, context)).toMatchObject({
      value: expect.stringContaining('stop('),
    });
  });
});
