/** One message of the chat: words, and tool calls as quiet rows. Parts the page does not know are left out. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { isToolPart } from '../chat-parts.ts';
import type { ChatPart } from '../chat-parts.ts';
import type { ChatMessage } from '../chat-state.ts';
import { toolRow } from '../chat-words.ts';
import type { ToolRow } from '../chat-words.ts';
import { programSize, programView } from '../program-words.ts';
import { Markdown } from '../ui/markdown-view.tsx';
import { Icon } from '../ui/widgets.tsx';
import type { IconName } from '../ui/widgets.tsx';
import { ProgramCall } from './program-call.tsx';

interface Props {
  readonly message: ChatMessage;
  /** Whether more of it comes. */
  readonly isOpen: boolean;
}

/** A message that did not change is the same element again: only the one that grows is rendered. */
export function Message({ message, isOpen }: Props): JSX.Element | null {
  return useMemo(() => messageView(message, isOpen), [message, isOpen]);
}

function messageView(message: ChatMessage, isOpen: boolean): JSX.Element | null {
  const isMine = message.role === 'user';
  const shown = message.parts.filter((part) => isToolPart(part) || isWords(part));
  if (shown.length === 0 || message.role === 'system') return null;
  return (
    <article
      class={isMine ? 'chat-mine' : 'chat-answer'}
      aria-label={isMine ? 'You' : 'Answer'}
      aria-busy={isOpen}
    >
      {shown.map((part, index) => (
        <Part key={index} part={part} isMine={isMine} />
      ))}
    </article>
  );
}

function isWords({ type, text }: ChatPart): boolean {
  return type === 'text' && typeof text === 'string' && text.trim() !== '';
}

function Part({ part, isMine }: { part: ChatPart; isMine: boolean }): JSX.Element {
  if (isToolPart(part)) return <ToolCall part={part} />;
  const text = String(part.text);
  return isMine ? <p class="chat-words">{text}</p> : <Markdown source={text} />;
}

const TONE_ICONS: Readonly<Record<ToolRow['tone'], IconName | null>> = {
  good: 'check',
  warn: 'clock',
  bad: 'rejected',
  busy: 'play',
  plain: null,
};

function ToolCall({ part }: { part: ChatPart }): JSX.Element {
  const { name, input, word, tone, explanation } = toolRow(part);
  const program = programView(name, part);
  const icon = TONE_ICONS[tone];
  return (
    <details class="chat-tool" open={program !== null && (tone === 'warn' || tone === 'bad')}>
      <summary>
        <span class="grow">
          <code>{name}</code>{' '}
          <span class="muted">{program === null ? input : programSize(program.code)}</span>
        </span>
        <span class={`badge tone-${tone}`}>
          {icon !== null && <Icon name={icon} />}
          {word}
        </span>
      </summary>
      {explanation !== '' && program === null && <p>{explanation}</p>}
      {program === null ? (
        <pre class="code" tabIndex={0} aria-label={`Details of ${name}`}>
          {JSON.stringify({ input: part.input, output: part.output }, null, 2)}
        </pre>
      ) : (
        <ProgramCall view={program} />
      )}
    </details>
  );
}
