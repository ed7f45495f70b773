/** What the chat panel says by itself: suggestions to begin with, tool calls in a word, failures with a way on. Pure. */
import type { ModelDescription } from './api-types.ts';
import type { ChatPart } from './chat-parts.ts';
import { mainMetric } from './format.ts';
import { asText, isObject } from './twin.ts';

/** Questions that only read: one click asks them. */
export function suggestions(definition: ModelDescription | undefined): readonly string[] {
  const main = mainMetric(definition);
  const other = definition?.metrics.find(({ name }) => name !== main)?.name;
  return [
    ...(main === null ? [] : [`How has ${spoken(main)} been in the last hour?`]),
    ...(other === undefined ? [] : [`What is the ${spoken(other)}?`]),
    ...(definition?.kind === 'device' ? ['List rules'] : []),
    'What can you do?',
  ];
}

/** The same for the chat with the whole fleet. */
export const FLEET_SUGGESTIONS: readonly string[] = [
  'How many are online?',
  'What needs attention?',
  'List devices by model',
  'What can you do?',
];

function spoken(name: string): string {
  return name.replaceAll(/[-_]/g, ' ');
}

/** A tool call as one quiet row. `tone` is the colour of the word; the word alone says it. */
export interface ToolRow {
  readonly name: string;
  /** The arguments, short. */
  readonly input: string;
  /** The outcome, in the tool's own words where it has some. */
  readonly word: string;
  readonly tone: 'good' | 'warn' | 'bad' | 'busy' | 'plain';
  /** Why, as the tool says it. */
  readonly explanation: string;
}

const INPUT_CHARACTERS_MAX = 120;

export function toolRow(part: ChatPart): ToolRow {
  const name = part.type === 'dynamic-tool' ? String(part.toolName) : part.type.slice('tool-'.length);
  return { name, input: shortInput(part.input), ...outcomeOf(part) };
}

const TONES: Readonly<Record<string, ToolRow['tone']>> = {
  done: 'good',
  failed: 'bad',
  refused: 'bad',
  expired: 'warn',
  'sent, not confirmed': 'warn',
  'needs-approval': 'warn',
  waiting: 'warn',
};

const OUTCOME_WORDS: Readonly<Record<string, string>> = {
  'needs-approval': 'needs approval',
  waiting: 'waiting for approval',
};

function outcomeOf(part: ChatPart): Omit<ToolRow, 'name' | 'input'> {
  const { state, output } = part;
  if (state === 'output-error') return { word: 'failed', tone: 'bad', explanation: asText(part.errorText) };
  if (state === 'output-denied') return { word: 'denied', tone: 'bad', explanation: '' };
  if (state === 'approval-requested') return { word: 'needs approval', tone: 'warn', explanation: '' };
  if (state === 'approval-responded') {
    const isApproved = isObject(part.approval) && part.approval.approved === true;
    return { word: isApproved ? 'approved' : 'denied', tone: isApproved ? 'busy' : 'bad', explanation: '' };
  }
  if (state !== 'output-available') return { word: 'running', tone: 'busy', explanation: '' };
  const said = saidBy(output);
  if (!isObject(said) || typeof said.outcome !== 'string')
    return { word: 'answered', tone: 'plain', explanation: '' };
  const { outcome, explanation } = said;
  const word = OUTCOME_WORDS[outcome] ?? outcome;
  return { word, tone: TONES[outcome] ?? 'plain', explanation: asText(explanation) };
}

/** What a tool of the fleet had a device do stands within its answer. */
function saidBy(output: unknown): unknown {
  if (!isObject(output) || typeof output.device !== 'string') return output;
  if (isObject(output.answer)) return output.answer;
  return output.finish === 'waiting-for-approval' ? { outcome: 'waiting', explanation: output.text } : output;
}

/** Approvals that answers of tools in this chat name, as `model/id approval`: those it asked of devices. */
export function approvalsAskedIn(
  messages: readonly { readonly parts: readonly ChatPart[] }[],
): ReadonlySet<string> {
  const keys = messages.flatMap(({ parts }) =>
    parts.flatMap(({ output }) => {
      if (!isObject(output)) return [];
      const answer = isObject(output.answer) ? [output.answer.approval] : [];
      const asked = [...answer, ...(Array.isArray(output.approvals) ? (output.approvals as unknown[]) : [])];
      return asked.flatMap((one) => (isObject(one) ? [`${asText(output.device)} ${asText(one.id)}`] : []));
    }),
  );
  return new Set(keys);
}

/** `vent open` rather than `{"command":"vent","value":"open"}`. */
export function shortInput(input: unknown): string {
  if (!isObject(input)) return input == null ? '' : clipped(JSON.stringify(input));
  const words = Object.entries(input).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return name === 'command' || name === 'value' || name === 'metric' ? text : `${name} ${text}`;
  });
  return clipped(words.join(' '));
}

function clipped(text: string): string {
  return text.length <= INPUT_CHARACTERS_MAX ? text : `${text.slice(0, INPUT_CHARACTERS_MAX - 1)}…`;
}

/** What a person can do about a failure; empty where its own text says enough. */
export function failureHint(code: string): string {
  return FAILURE_HINTS[code] ?? '';
}

const FAILURE_HINTS: Readonly<Record<string, string>> = {
  BRG_MODEL_SPEC: 'Check “model” in the configuration of the bridge.',
  BRG_MODEL_UNAVAILABLE: 'Check that the model’s endpoint runs, then ask again.',
  BRG_MODEL_TIMEOUT: 'Ask again, or ask for less at once.',
  BRG_MODEL_OVERLOADED: 'Ask again in a minute.',
  BRG_MODEL_BUDGET: 'It starts anew at midnight UTC; “modelTokensPerDay” of the bridge gives more.',
  BRG_MODEL_REFUSED: 'Put a valid key into the bridge’s key file; it is read again by itself.',
  BRG_MODEL_REQUEST: 'Look at the name of the model in the configuration, and into the log of the bridge.',
  BRG_MODEL_ANSWER: 'Ask again; if it stays so, the endpoint does not speak the protocol.',
  BRG_CHAT_FAILED: 'What went wrong is in the log of the bridge.',
  BRG_CHAT_INTERRUPTED:
    'The bridge was restarted meanwhile. A tool may have acted: look at the activity, then ask again.',
  BRG_BUSY: 'Too many questions wait. Ask again when they are answered.',
  BRG_FORBIDDEN: 'This connection may read the chat, but not write in it.',
  BRG_AGENT_FULL: 'Clear the chat: the agent’s database is at its limit.',
  BRG_TIMEOUT: 'The model said nothing for minutes. Ask again.',
};
