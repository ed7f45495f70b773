/** "Ask this device": the chat with an agent. Enter sends, Shift+Enter makes a new line, Escape stops the answer. */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ChatFeed } from '../chat-feed.ts';
import { textOf } from '../chat-state.ts';
import type { ChatFailure, ChatMessage, ChatState } from '../chat-state.ts';
import { failureHint } from '../chat-words.ts';
import type { DeviceFeed } from '../device-feed.ts';
import { useObservable } from '../ui/hooks.ts';
import { Card, Icon } from '../ui/widgets.tsx';
import { Message } from './chat-message.tsx';

/** What a question may have at most; the bridge takes frames of 256 KiB. */
const QUESTION_CHARACTERS_MAX = 20_000;
/** This near to its end, the list stays at its end when something comes. */
const STICKY_PX = 60;

interface Props {
  readonly feed: DeviceFeed;
  /** Questions to begin with. */
  readonly beginnings: readonly string[];
  readonly title: string;
}

export function Chat({ feed, beginnings, title }: Props): JSX.Element {
  const { chat } = feed;
  const state = useObservable(chat.state);
  const isLive = useObservable(feed.link).kind === 'live';
  const isUnread = useObservable(chat.isUnread);
  const isEmpty = state.messages.length === 0 && state.open.length === 0;
  return (
    <Card title={title} id="chat" aside={isEmpty ? undefined : <ClearButton chat={chat} isBusy={!isLive} />}>
      {isUnread && (
        <p class="muted">
          What was said before could not be read. It is read again with the next connection.
        </p>
      )}
      {isEmpty ? (
        <Beginning chat={chat} beginnings={beginnings} isDisabled={!isLive} />
      ) : (
        <Messages state={state} />
      )}
      {state.failure && <Failure failure={state.failure} />}
      <Spoken state={state} />
      <Question chat={chat} isAnswering={state.open.length > 0} isLive={isLive} />
    </Card>
  );
}

function Beginning(props: {
  chat: ChatFeed;
  beginnings: readonly string[];
  isDisabled: boolean;
}): JSX.Element {
  const { chat, beginnings, isDisabled } = props;
  return (
    <div class="chat-beginning">
      <p class="muted">It answers from its own data. What it may not do by itself waits for your approval.</p>
      <ul class="chat-suggestions" aria-label="Suggestions">
        {beginnings.map((text) => (
          <li key={text}>
            <button type="button" class="button" disabled={isDisabled} onClick={() => chat.ask(text)}>
              {text}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Messages({ state }: { state: ChatState }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    if (box.current !== null && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [state]);
  const answering = new Set(state.open.map(({ messageId }) => messageId));
  const isWaiting = state.open.some(({ messageId }) => messageId === null || isSilent(state, messageId));
  return (
    <div
      class="chat-messages"
      ref={box}
      tabIndex={0}
      role="region"
      aria-label="Messages"
      onScroll={({ currentTarget }) => {
        const { scrollHeight, scrollTop, clientHeight } = currentTarget;
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < STICKY_PX;
      }}
    >
      {state.messages.map((message) => (
        <Message key={message.id} message={message} isOpen={answering.has(message.id)} />
      ))}
      {isWaiting && (
        <p class="chat-thinking" aria-hidden="true">
          <span />
          <span />
          <span />
        </p>
      )}
    </div>
  );
}

function isSilent({ messages }: ChatState, messageId: string): boolean {
  const parts = messages.find(({ id }) => id === messageId)?.parts ?? [];
  return parts.every(({ type }) => type === 'step-start' || type === 'reasoning');
}

/** For screen readers: that an answer is coming, then all of it at once rather than word by word. */
function Spoken({ state }: { state: ChatState }): JSX.Element {
  const wasAnswering = useRef(false);
  const text = useRef('');
  const isAnswering = state.open.length > 0;
  if (isAnswering) text.current = 'Answering…';
  else if (wasAnswering.current) text.current = lastAnswer(state.messages);
  wasAnswering.current = isAnswering;
  return (
    <p class="visually-hidden" aria-live="polite">
      {text.current}
    </p>
  );
}

function lastAnswer(messages: readonly ChatMessage[]): string {
  const last = messages.at(-1);
  return last?.role === 'assistant' ? textOf(last) : '';
}

function Failure({ failure }: { failure: ChatFailure }): JSX.Element {
  const hint = failureHint(failure.code);
  return (
    <div class="problem" role="alert">
      <Icon name="warning" />
      <div class="problem-text">
        <strong>{failure.text || 'There is no answer'}</strong>
        {hint !== '' && <p>{hint}</p>}
        <code>{failure.code}</code>
      </div>
    </div>
  );
}

/** Asks once more: what is cleared is gone for everybody. */
function ClearButton({ chat, isBusy }: { chat: ChatFeed; isBusy: boolean }): JSX.Element {
  const [isAsking, setAsking] = useState(false);
  const sure = useRef<HTMLButtonElement>(null);
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isAsking) sure.current?.focus();
  }, [isAsking]);
  if (!isAsking) {
    return (
      <button type="button" class="button" ref={first} disabled={isBusy} onClick={() => setAsking(true)}>
        Clear
      </button>
    );
  }
  return (
    <span class="chat-clear" onKeyDown={(event) => event.key === 'Escape' && setAsking(false)}>
      <button type="button" class="button" ref={sure} onClick={() => chat.clear()}>
        Clear for everybody
      </button>
      <button type="button" class="button" onClick={() => setAsking(false)}>
        Keep
      </button>
    </span>
  );
}

function Question(props: { chat: ChatFeed; isAnswering: boolean; isLive: boolean }): JSX.Element {
  const { chat, isAnswering, isLive } = props;
  const [typed, setTyped] = useState('');
  const box = useRef<HTMLTextAreaElement>(null);
  const send = (): void => {
    const text = typed.trim();
    if (text !== '' && chat.ask(text)) setTyped('');
  };
  useLayoutEffect(() => {
    if (box.current === null) return;
    box.current.style.height = 'auto';
    box.current.style.height = `${box.current.scrollHeight + 2}px`;
  }, [typed]);
  return (
    <form
      class="chat-question"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={box}
        rows={1}
        maxLength={QUESTION_CHARACTERS_MAX}
        aria-label="Your question"
        placeholder={isLive ? 'Ask something' : 'Reconnecting…'}
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape' && isAnswering) chat.stop();
          // While a word is being composed, Enter ends the word.
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      {isAnswering && (
        <button
          type="button"
          class="button"
          disabled={!isLive}
          onClick={() => {
            chat.stop();
            box.current?.focus(); // the button is about to go
          }}
        >
          Stop
        </button>
      )}
      <button class="button primary" disabled={!isLive || typed.trim() === ''}>
        Send
      </button>
    </form>
  );
}
