import { describe, expect, it } from 'vitest';
import { contentOf, fieldsOf, safeUrl } from '../../src/dashboard/mcp-questions.ts';

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string', title: 'Your name', description: 'as on the badge' },
    count: { type: 'integer' },
    sure: { type: 'boolean' },
    mode: { type: 'string', enum: ['eco', 'comfort'] },
  },
  required: ['name', 'sure'],
};

describe('what an MCP server asks', () => {
  it('becomes fields, whatever the server sends as a schema', () => {
    expect(fieldsOf(schema)).toEqual([
      {
        name: 'name',
        label: 'Your name',
        hint: 'as on the badge',
        kind: 'text',
        values: [],
        isRequired: true,
      },
      { name: 'count', label: 'count', hint: '', kind: 'number', values: [], isRequired: false },
      { name: 'sure', label: 'sure', hint: '', kind: 'boolean', values: [], isRequired: true },
      {
        name: 'mode',
        label: 'mode',
        hint: '',
        kind: 'choice',
        values: ['eco', 'comfort'],
        isRequired: false,
      },
    ]);
    for (const none of [null, 3, [], {}, { properties: [] }]) expect(fieldsOf(none)).toEqual([]);
    expect(fieldsOf({ properties: { x: null }, required: 'x' })).toMatchObject([{ name: 'x', kind: 'text' }]);
  });

  it('is answered with values of their kinds; what was left empty is left out, and no is a word', () => {
    const fields = fieldsOf(schema);
    expect(contentOf(fields, { name: 'Ada', count: '3', sure: 'true', mode: 'eco' })).toEqual({
      name: 'Ada',
      count: 3,
      sure: true,
      mode: 'eco',
    });
    expect(contentOf(fields, { count: '' })).toEqual({ sure: false });
  });

  it('opens pages, and nothing else', () => {
    expect(safeUrl('https://login.example/a')).toBe('https://login.example/a');
    for (const url of [
      'javascript:alert(1)',
      'data:text/html,x',
      'file:///etc/passwd',
      'nothing',
      ' https://',
    ])
      expect(safeUrl(url)).toBeNull();
  });
});
