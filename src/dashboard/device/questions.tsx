/** What MCP servers of this agent ask a person: a call of theirs waits for the answer, for days if it has to. */
import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import { asProblem } from '../api.ts';
import type { Problem } from '../api.ts';
import { expiresIn } from '../approvals.ts';
import { contentOf, fieldsOf, safeUrl } from '../mcp-questions.ts';
import type { Field, Filled, McpQuestion } from '../mcp-questions.ts';
import type { OversightFeed } from '../oversight-feed.ts';
import { useClockText, useObservable } from '../ui/hooks.ts';
import { Card, ProblemBox, TimeAgo } from '../ui/widgets.tsx';
import { waitWords } from './approvals.tsx';

export function Questions({ oversight }: { oversight: OversightFeed }): JSX.Element | null {
  const all = useObservable(oversight.questions);
  if (all.length === 0) return null;
  return (
    <Card
      title="Questions"
      id="questions"
      class="wide needs-you"
      aside={<span class="badge tone-warn">{waitWords(all.length)}</span>}
    >
      <div class="approvals" aria-live="polite">
        {all.map((question) => (
          <Question key={question.id} question={question} oversight={oversight} />
        ))}
      </div>
    </Card>
  );
}

function Question({ question, oversight }: { question: McpQuestion; oversight: OversightFeed }): JSX.Element {
  const { serverId, tool, message, createdAtMs, expiresAtMs, ask } = question;
  const [filled, setFilled] = useState<Filled>({});
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const left = useClockText((nowMs) => expiresIn(expiresAtMs, nowMs));
  const fields = ask.mode === 'form' ? fieldsOf(ask.requestedSchema) : [];
  const say = async (action: 'accept' | 'decline'): Promise<void> => {
    setBusy(true);
    try {
      const content =
        action === 'accept' && ask.mode === 'form' ? { content: contentOf(fields, filled) } : {};
      await oversight.answer(question, { action, ...content });
      setProblem(null);
    } catch (error) {
      setProblem(asProblem(error));
    }
    setBusy(false);
  };
  return (
    <form
      class="approval"
      aria-label={`Question of ${serverId}`}
      onSubmit={(event) => {
        event.preventDefault();
        void say('accept'); // never rejects
      }}
    >
      <p class="approval-what">
        <strong>{message}</strong>
      </p>
      <p class="muted approval-facts">
        <span>
          asked by the MCP server {serverId}
          {tool !== null && `, for its tool ${tool}`} <TimeAgo atMs={createdAtMs} />
        </span>
        <span>{left}</span>
      </p>
      {ask.mode === 'url' && <Address url={ask.url} />}
      <div class="approval-word">
        {fields.map((field) => (
          <FieldInput
            key={field.name}
            field={field}
            value={filled[field.name] ?? ''}
            onValue={(value) => setFilled({ ...filled, [field.name]: value })}
          />
        ))}
        <span class="approval-buttons">
          <button type="button" class="button" disabled={isBusy} onClick={() => void say('decline')}>
            Decline
          </button>
          <button type="submit" class="button primary" disabled={isBusy}>
            {ask.mode === 'url' ? 'Done' : 'Answer'}
          </button>
        </span>
        {problem !== null && <ProblemBox problem={problem} />}
      </div>
    </form>
  );
}

function Address({ url }: { url: string }): JSX.Element {
  const safe = safeUrl(url);
  if (safe === null) return <p class="muted">It wants an address opened that is none of a page: {url}</p>;
  return (
    <p>
      <a href={safe} target="_blank" rel="noopener noreferrer">
        {safe}
      </a>
    </p>
  );
}

function FieldInput(props: { field: Field; value: string; onValue: (value: string) => void }): JSX.Element {
  const { field, value, onValue } = props;
  const { label, hint, kind, values, isRequired } = field;
  const id = useId();
  const choices = kind === 'boolean' ? ['false', 'true'] : values;
  return (
    <label class="field" for={id} title={hint}>
      {label}
      {isRequired || kind === 'boolean' ? '' : ' (optional)'}
      {choices.length > 0 ? (
        <select
          id={id}
          value={kind === 'boolean' && value === '' ? 'false' : value}
          onChange={(event) => onValue(event.currentTarget.value)}
        >
          {kind === 'choice' && <option value="" />}
          {choices.map((choice) => (
            <option key={choice} value={choice}>
              {kind === 'boolean' ? (choice === 'true' ? 'yes' : 'no') : choice}
            </option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          type={kind === 'number' ? 'number' : 'text'}
          step="any"
          required={isRequired}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </label>
  );
}
