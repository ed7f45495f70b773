import { describe, expect, it } from 'vitest';
import { toolRow } from '../../src/dashboard/chat-words.ts';
import { programLines, programSize, programView } from '../../src/dashboard/program-words.ts';

const call = (output: unknown, code = 'return 1;') => ({
  type: 'tool-run_program',
  toolCallId: 'c1',
  state: 'output-available',
  input: { code },
  output,
});

describe('a program of the chat', () => {
  it('is shown with its result, and the line that failed', () => {
    expect(programView('run_program', call({ outcome: 'done', value: { a: 1 }, logs: ['x'] }))).toMatchObject(
      {
        code: 'return 1;',
        result: '{\n  "a": 1\n}',
        logs: ['x'],
        error: '',
        errorLine: null,
        waitingFor: [],
      },
    );
    expect(programView('run_program', call({ outcome: 'done', value: null }))).toMatchObject({
      result: 'null',
    });
    const failed = call({ outcome: 'failed', code: 'threw', error: 'line 12, column 3: TypeError: x' });
    expect(programView('run_program', failed)).toMatchObject({ errorLine: 12, result: null });
    expect(
      programView('run_program', call({ outcome: 'failed', error: 'the inline 3' }))?.errorLine,
    ).toBeNull();
  });

  it('says what it waits for, in a word that is no colour', () => {
    const waitingFor = [
      { approval: 'a', tool: 'stop', arguments: {}, explanation: 'stop p7' },
      { tool: 'vent' },
    ];
    const part = call({ outcome: 'waiting', run: 'r', explanation: 'People were asked.', waitingFor });
    expect(programView('run_program', part)?.waitingFor).toEqual(['stop p7', 'vent']);
    expect(toolRow(part)).toMatchObject({ word: 'waiting for approval', tone: 'warn' });
  });

  it('is none for another tool, and while its text is still coming', () => {
    expect(programView('read_state', call({}))).toBeNull();
    expect(programView('run_program', { type: 'tool-run_program', input: undefined })).toBeNull();
  });
});

describe('the text of a program', () => {
  it('has comments, texts, words and numbers told apart, line by line', () => {
    const kinds = programLines("// a\nconst x = `b\n'c'` + 1.5; letter").map((line) =>
      line.map(({ kind, text }) => `${kind}:${text}`),
    );
    expect(kinds).toEqual([
      ['comment:// a'],
      ['word:const', 'plain: x = ', 'text:`b'],
      ["text:'c'`", 'plain: + ', 'number:1.5', 'plain:; letter'],
    ]);
  });

  it('loses no character, and spells out those that turn a line around', () => {
    const code = 'let a = "\u202e"; /* open\n\nend';
    const text = programLines(code)
      .map((line) => line.map((token) => token.text).join(''))
      .join('\n');
    expect(text).toBe('let a = "\\u202e"; /* open\n\nend');
    expect(programSize('a\nb\n')).toBe('2 lines');
    expect(programSize('')).toBe('1 line');
  });

  it.each(['/*', '"', '`', "'\\", '//', 'a', '1'])(
    'is coloured in one pass, whatever repeats: %s',
    (piece) => {
      const code = piece.repeat(32_000);
      const tokens = programLines(code).flat();
      expect(tokens.map(({ text }) => text).join('')).toBe(code);
      // Each token was found from the end of the one before it; none was looked for to the end of the text and given up.
      expect(tokens.length).toBeLessThanOrEqual(32_000);
    },
  );
});
