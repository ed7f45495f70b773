import { describe, expect, it } from 'vitest';
import type { ModelDescription } from '../../src/dashboard/api-types.ts';
import { asked, EMPTY_CHAT, listed, textOf, userMessage, withFrame } from '../../src/dashboard/chat-state.ts';
import type { ChatState } from '../../src/dashboard/chat-state.ts';
import {
  approvalsAskedIn,
  failureHint,
  shortInput,
  suggestions,
  toolRow,
} from '../../src/dashboard/chat-words.ts';
import { parseMarkdown } from '../../src/dashboard/markdown.ts';
import type { Frame } from '../../src/wire/index.ts';

type Response = Extract<Frame, { type: 'cf_agent_use_chat_response' }>;

const response = (
  id: string,
  seq: number,
  body: Response['body'],
  more: Partial<Response> = {},
): Response => ({
  type: 'cf_agent_use_chat_response',
  id,
  body,
  done: false,
  seq,
  ...more,
});

/** The frames of one answer: its chunks, numbered, and the end. */
function answer(
  id: string,
  chunks: readonly Record<string, unknown>[],
  more: Partial<Response> = {},
): Response[] {
  const frames = chunks.map((chunk, at) => response(id, at + 1, chunk, more));
  return [...frames, response(id, chunks.length, '', { ...more, done: true })];
}

const words = (...deltas: string[]): Record<string, unknown>[] => [
  { type: 'start', messageId: 'a1' },
  { type: 'text-start', id: 't' },
  ...deltas.map((delta) => ({ type: 'text-delta', id: 't', delta })),
  { type: 'text-end', id: 't' },
  { type: 'finish' },
];

const after = (state: ChatState, frames: readonly Frame[]): ChatState => frames.reduce(withFrame, state);
const texts = ({ messages }: ChatState): string[] => messages.map(textOf);
const question = asked(EMPTY_CHAT, 'r1', userMessage('u1', 'hello'));

describe('chat state', () => {
  it('grows an answer chunk by chunk, and counts a chunk that comes again once', () => {
    const frames = answer('r1', words('good ', 'day'));
    const half = after(question, frames.slice(0, 4));
    expect(texts(half)).toEqual(['hello', 'good day']);
    // After a reconnect everything may come again.
    expect(texts(after(half, frames))).toEqual(['hello', 'good day']);
    expect(after(half, frames).open).toEqual([]);
    expect(after(half, frames.slice(0, 4))).toBe(half);
  });

  it('builds an answer anew that it joins in its middle, whatever was stored of it', () => {
    const stored = listed(EMPTY_CHAT, [
      userMessage('u1', 'hello'),
      { id: 'a1', role: 'assistant', parts: [{ type: 'text', text: 'good ' }] },
    ]);
    const replayed = answer('r1', words('good ', 'day'), { replay: true });
    expect(texts(after(stored, [{ type: 'cf_agent_stream_resuming', id: 'r1' }, ...replayed]))).toEqual([
      'hello',
      'good day',
    ]);
  });

  it('adds to the message that an answer continues', () => {
    const first = after(question, answer('r1', words('one')));
    const more = answer('r2', words('two'), { continuation: true });
    const state = after(first, more);
    expect(texts(state)).toEqual(['hello', 'one\n\ntwo']);
    expect(state.messages).toHaveLength(2);
  });

  it('keeps what the list of the bridge cannot know yet, in its place', () => {
    const frames = answer('r1', words('good ', 'day'));
    const half = after(question, frames.slice(0, 3));
    const later = asked(half, 'r2', userMessage('u2', 'and then?'));
    expect(texts(listed(later, []))).toEqual(['hello', 'good ', 'and then?']);
    const known = listed(later, [userMessage('u0', 'before'), userMessage('u1', 'hello')]);
    expect(texts(known)).toEqual(['before', 'hello', 'good ', 'and then?']);
    // What nobody here waits for is as the bridge has it.
    expect(listed(after(half, frames.slice(3)), []).messages).toEqual([]);
  });

  it('shows a failure with its code until the next question, and forgets all when cleared', () => {
    const failed = withFrame(
      question,
      response('r1', 0, 'BRG_MODEL_TIMEOUT: no word for 30 s', {
        done: true,
        error: true,
        code: 'BRG_MODEL_TIMEOUT',
      }),
    );
    expect(failed).toMatchObject({
      open: [],
      failure: { code: 'BRG_MODEL_TIMEOUT', text: 'no word for 30 s' },
    });
    expect(failureHint('BRG_MODEL_TIMEOUT')).not.toBe('');
    expect(asked(failed, 'r2', userMessage('u2', 'again')).failure).toBeNull();
    expect(withFrame(failed, { type: 'cf_agent_chat_clear' })).toBe(EMPTY_CHAT);
  });

  it('leaves alone what it does not know: data parts, new chunks, bodies that are none', () => {
    const odd = [
      { type: 'start', messageId: 'a1' },
      { type: 'data-plot', id: 'p', data: [1, 2] },
      { type: 'from-the-future', id: 'f' },
      { type: 'text-delta', id: 'never began', delta: 'x' },
      { type: 'tool-output-available', toolCallId: 'nobody', output: 1 },
    ];
    const state = after(question, [...answer('r1', odd), response('r1', 9, 'no chunk')]);
    expect(state.messages[1]).toEqual({ id: 'a1', role: 'assistant', parts: [] });
  });
});

describe('tool calls', () => {
  const called = (...chunks: Record<string, unknown>[]): ReturnType<typeof toolRow> => {
    const start = { type: 'start', messageId: 'a1' };
    const input = { command: 'vent', value: 'open' };
    const call = { type: 'tool-input-available', toolCallId: 'c1', toolName: 'send_command', input };
    const state = after(question, answer('r1', [start, call, ...chunks]));
    const [part] = state.messages[1]?.parts ?? [];
    if (part === undefined) throw new Error('no tool call');
    return toolRow(part);
  };
  const output = (value: unknown): Record<string, unknown> => ({
    type: 'tool-output-available',
    toolCallId: 'c1',
    output: value,
  });

  it('are rows with the outcome in the words of the tool', () => {
    expect(called()).toMatchObject({ name: 'send_command', input: 'vent open', word: 'running' });
    for (const outcome of ['done', 'sent, not confirmed', 'failed', 'expired', 'refused']) {
      const explanation = 'because';
      expect(called(output({ outcome, explanation }))).toMatchObject({ word: outcome, explanation });
    }
    expect(called(output({ outcome: 'needs-approval' })).word).toBe('needs approval');
    expect(called(output({ temperature: 21 })).word).toBe('answered');
  });

  it('wait for an approval, and go on or not', () => {
    const request = { type: 'tool-approval-request', toolCallId: 'c1', approvalId: 'p1' };
    const decided = (approved: boolean) => ({ type: 'tool-approval-response', approvalId: 'p1', approved });
    expect(called(request).word).toBe('needs approval');
    expect(called(request, decided(true)).word).toBe('approved');
    expect(called(request, decided(false)).word).toBe('denied');
    expect(called({ type: 'tool-output-error', toolCallId: 'c1', errorText: 'no' })).toMatchObject({
      word: 'failed',
      explanation: 'no',
    });
  });

  it('say their input in one short line', () => {
    expect(shortInput({ metric: 'rpm', minutes: 5 })).toBe('rpm minutes 5');
    expect(shortInput(undefined)).toBe('');
    expect(shortInput({ text: 'x'.repeat(500) }).length).toBeLessThan(130);
  });
});

describe('what a fleet asked of devices', () => {
  const asked = {
    device: 'pump/p1',
    finish: 'waiting-for-approval',
    text: 'Wait.',
    approvals: [{ id: 'a1' }],
  };
  const acted = { device: 'pump/p2', answer: { outcome: 'needs-approval', approval: { id: 'a2' } } };
  const part = (output: unknown) => ({
    type: 'dynamic-tool',
    toolName: 't',
    state: 'output-available',
    output,
  });

  it('is named by the answers of its tools', () => {
    const messages = [
      { parts: [part(asked), { type: 'text' }] },
      { parts: [part(acted), part({ device: 'x' })] },
    ];
    expect([...approvalsAskedIn(messages)]).toEqual(['pump/p1 a1', 'pump/p2 a2']);
  });

  it('stands in the row of the tool in the device’s own word', () => {
    expect(toolRow(part(asked))).toMatchObject({
      word: 'waiting for approval',
      tone: 'warn',
      explanation: 'Wait.',
    });
    expect(toolRow(part(acted))).toMatchObject({ word: 'needs approval' });
    expect(toolRow(part({ device: 'pump/p1', finish: 'done', text: '4' }))).toMatchObject({
      word: 'answered',
    });
  });
});

describe('suggestions', () => {
  it('are made of the metrics of the device', () => {
    const pump: ModelDescription = {
      model: 'pump',
      kind: 'device',
      vendor: '',
      description: '',
      metrics: [
        { name: 'vibration', kind: 'numeric', access: 'read' },
        { name: 'motor_current', kind: 'numeric', access: 'read' },
      ],
      commands: [],
    };
    expect(suggestions(pump)).toEqual([
      'How has vibration been in the last hour?',
      'What is the motor current?',
      'List rules',
      'What can you do?',
    ]);
    expect(suggestions(undefined)).toEqual(['What can you do?']);
  });
});

describe('markdown', () => {
  it('knows paragraphs, headings, lists, code and bold', () => {
    const source =
      '# Pump\nIt **runs** at `1500` rpm.\n\n- one\n  more\n- *two*\n\n1. first\n```js\nlet a = "**";\n```';
    expect(parseMarkdown(source)).toEqual([
      { kind: 'heading', inlines: [{ kind: 'text', text: 'Pump' }] },
      {
        kind: 'paragraph',
        inlines: [
          { kind: 'text', text: 'It ' },
          { kind: 'strong', text: 'runs' },
          { kind: 'text', text: ' at ' },
          { kind: 'code', text: '1500' },
          { kind: 'text', text: ' rpm.' },
        ],
      },
      {
        kind: 'list',
        isOrdered: false,
        items: [[{ kind: 'text', text: 'one\nmore' }], [{ kind: 'emphasis', text: 'two' }]],
      },
      { kind: 'list', isOrdered: true, items: [[{ kind: 'text', text: 'first' }]] },
      { kind: 'code', text: 'let a = "**";' },
    ]);
  });

  it('keeps every word of what it does not know, also while it is being written', () => {
    const odd = [
      '<b>x</b>',
      '[a](javascript:alert(1))',
      '3 * 4 * 5',
      'snake_case_name',
      '**open',
      '`open',
      '*',
      '#',
    ];
    for (const text of odd) {
      expect(parseMarkdown(text)).toEqual([{ kind: 'paragraph', inlines: [{ kind: 'text', text }] }]);
    }
    expect(parseMarkdown('```\nopen')).toEqual([{ kind: 'code', text: 'open' }]);
    expect(parseMarkdown('| a | b |\n|---|---|')).toEqual([{ kind: 'code', text: '| a | b |\n|---|---|' }]);
  });

  it('takes time that grows with the text only', () => {
    const nasty = '**a '.repeat(5000) + '*b '.repeat(5000) + '`c '.repeat(5001);
    const begun = performance.now();
    parseMarkdown(nasty);
    parseMarkdown(`- ${'x\n  '.repeat(5000)}`);
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});
