/** A call that waits for a person: what would happen, who asks, until when; and the two buttons. */
import type { JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { asProblem } from '../api.ts';
import type { Problem } from '../api.ts';
import type { Approval } from '../api-types.ts';
import { decidedWords, expiresIn, readApprover, runOf, writeApprover } from '../approvals.ts';
import { whoOf } from '../audit.ts';
import { shortInput } from '../chat-words.ts';
import { decide, readApproval, readProgram } from '../oversight-feed.ts';
import { useClockText } from './hooks.ts';
import { ProgramText } from './program-text.tsx';
import { Icon, ProblemBox, TimeAgo } from './widgets.tsx';

const NAME_CHARACTERS_MAX = 100;
const REASON_CHARACTERS_MAX = 500;

interface Props {
  readonly approval: Approval;
  /** It has changed: decided here, or by somebody else before. */
  readonly onChange: (approval: Approval) => void;
}

export function ApprovalCard({ approval, onChange }: Props): JSX.Element {
  const { tool, arguments: input, explanation, requestedBy, createdAtMs, needed } = approval;
  const run = runOf(approval);
  return (
    <article class="approval" aria-label={`Approval of ${tool}`}>
      <p class="approval-what">
        <Icon name="clock" />
        <strong>{explanation}</strong>
      </p>
      <p class="approval-call">
        <code>{tool}</code> <span>{shortInput(input)}</span>
      </p>
      <p class="muted approval-facts">
        <span>
          asked by {whoOf(requestedBy)}
          {run !== null && ', in a program'} <TimeAgo atMs={createdAtMs} />
        </span>
        <Countdown expiresAtMs={approval.expiresAtMs} />
      </p>
      {needed === 2 && <TwoPeople approval={approval} />}
      {run !== null && <Program agent={approval.agent} run={run} />}
      <details>
        <summary>All arguments</summary>
        <pre class="code" tabIndex={0} aria-label="Arguments">
          {JSON.stringify(input, null, 2)}
        </pre>
      </details>
      <Word approval={approval} onChange={onChange} />
    </article>
  );
}

type Reading =
  | { readonly kind: 'reading' }
  | { readonly kind: 'read'; readonly text: string | null }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** What wants the call: open, because consent to the call is consent to what led to it. */
function Program({ agent, run }: { agent: string; run: string }): JSX.Element {
  const reading = useProgram(agent, run);
  if (reading.kind === 'failed') return <ProblemBox problem={reading.problem} />;
  const text = reading.kind === 'read' ? reading.text : '';
  return (
    <details open>
      <summary>The program</summary>
      {text === null ? (
        <p class="muted">It is too large to be kept, so it cannot be shown.</p>
      ) : (
        <ProgramText code={text} errorLine={null} />
      )}
    </details>
  );
}

function useProgram(agent: string, run: string): Reading {
  const [reading, setReading] = useState<Reading>({ kind: 'reading' });
  useEffect(() => {
    let isWanted = true;
    const set = (next: Reading): void => {
      if (isWanted) setReading(next);
    };
    readProgram(agent, run).then(
      (text) => set({ kind: 'read', text }),
      (error: unknown) => set({ kind: 'failed', problem: asProblem(error) }),
    );
    return () => {
      isWanted = false;
    };
  }, [agent, run]);
  return reading;
}

function Countdown({ expiresAtMs }: { expiresAtMs: number }): JSX.Element {
  const text = useClockText((nowMs) => expiresIn(expiresAtMs, nowMs));
  return <time dateTime={new Date(expiresAtMs).toISOString()}>{text}</time>;
}

function TwoPeople({ approval }: { approval: Approval }): JSX.Element {
  const given = approval.votes.filter(({ approved }) => approved).length;
  return (
    <p class="approval-people">
      <span aria-hidden="true">
        {Array.from({ length: approval.needed }, (_, at) => (
          <span key={at} class={at < given ? 'person person-there' : 'person'} />
        ))}
      </span>
      {decidedWords(approval)}
    </p>
  );
}

type Sending =
  | { readonly kind: 'idle' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'failed'; readonly problem: Problem };

function Word({ approval, onChange }: Props): JSX.Element {
  const [by, setBy] = useState(readApprover());
  const [reason, setReason] = useState('');
  const { sending, send } = useSending({ approval, onChange });
  const nameId = useId();
  const approve = useRef<HTMLButtonElement>(null);
  const name = useRef<HTMLInputElement>(null);
  const say = (approved: boolean): void => {
    if (by.trim() !== '') return void send(approved, by.trim(), reason.trim()); // never rejects
    name.current?.focus();
    name.current?.reportValidity();
  };
  const isBusy = sending.kind === 'sending';
  return (
    <form
      class="approval-word"
      onSubmit={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        if (event.key !== 'Enter') return;
        const isField = event.target instanceof HTMLInputElement;
        // Enter in a field decides nothing yet, nor does a key that is held down.
        if (isField || event.repeat) event.preventDefault();
        if (isField) approve.current?.focus();
      }}
    >
      <label class="field" for={nameId}>
        Your name
        <input
          id={nameId}
          ref={name}
          required
          maxLength={NAME_CHARACTERS_MAX}
          autocomplete="name"
          value={by}
          onInput={(event) => setBy(event.currentTarget.value)}
        />
      </label>
      <label class="field approval-reason">
        Reason (optional)
        <input
          maxLength={REASON_CHARACTERS_MAX}
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
      <span class="approval-buttons">
        <button type="button" class="button" disabled={isBusy} onClick={() => say(false)}>
          Deny
        </button>
        <button
          type="button"
          class="button primary"
          ref={approve}
          disabled={isBusy}
          onClick={() => say(true)}
        >
          Approve
        </button>
      </span>
      {sending.kind === 'failed' && <ProblemBox problem={sending.problem} />}
    </form>
  );
}

function useSending({ approval, onChange }: Props): {
  sending: Sending;
  send: (approved: boolean, by: string, reason: string) => Promise<void>;
} {
  const [sending, setSending] = useState<Sending>({ kind: 'idle' });
  const send = async (approved: boolean, by: string, reason: string): Promise<void> => {
    writeApprover(by);
    setSending({ kind: 'sending' });
    try {
      onChange(await decide(approval, { approved, by, ...(reason === '' ? {} : { reason }) }));
      setSending({ kind: 'idle' });
    } catch (error) {
      const problem = asProblem(error);
      setSending({ kind: 'failed', problem });
      if (problem.code !== 'BRG_APPROVAL_DECIDED') return;
      const now = await readApproval(approval).catch(() => undefined); // the problem is shown as it is
      if (now !== undefined) onChange(now);
    }
  };
  return { sending, send };
}
