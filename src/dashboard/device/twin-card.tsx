/** The twin: what the device reports, what it should be, and what is still missing; with a patch form. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { asProblem, sendJson } from '../api.ts';
import type { Problem } from '../api.ts';
import type { AgentDescription, ModelDescription } from '../api-types.ts';
import type { DeviceFeed } from '../device-feed.ts';
import { parsePatch, twinRows } from '../twin.ts';
import type { TwinRow } from '../twin.ts';
import { Card, Empty, ProblemBox } from '../ui/widgets.tsx';

export function Twin(props: {
  feed: DeviceFeed;
  description: AgentDescription;
  definition: ModelDescription | undefined;
}): JSX.Element {
  const { feed, description, definition } = props;
  const rows = twinRows(description.reported, description.desired, description.delta);
  const waiting = rows.filter((row) => row.delta !== undefined).length;
  return (
    <Card
      title="Twin"
      id="twin"
      aside={
        <span class="muted">
          {waiting > 0 ? `${waiting} waiting for the device · ` : ''}version {description.version}
        </span>
      }
    >
      {rows.length === 0 ? (
        <Empty>
          Nothing reported and nothing desired yet. A patch below is kept until the device has applied it.
        </Empty>
      ) : (
        <div class="scroll-x" tabIndex={0} role="region" aria-labelledby="twin">
          <table class="plain twin">
            <thead>
              <tr>
                <th scope="col">Property</th>
                <th scope="col">Reported</th>
                <th scope="col">Desired</th>
                <th scope="col">Delta</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <TwinLine key={row.path} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <PatchForm feed={feed} example={patchExample(definition)} />
    </Card>
  );
}

function TwinLine({ row }: { row: TwinRow }): JSX.Element {
  return (
    <tr class={row.delta === undefined ? '' : 'twin-waiting'}>
      <th scope="row">{row.path}</th>
      <td>{cell(row.reported)}</td>
      <td>{cell(row.desired)}</td>
      <td>{row.delta === undefined ? <span class="muted">–</span> : <>→ {cell(row.delta)}</>}</td>
    </tr>
  );
}

function cell(value: unknown): JSX.Element {
  return value === undefined ? <span class="muted">–</span> : <code>{JSON.stringify(value)}</code>;
}

/** A patch that fits the model: its first writable metric, else a neutral one. */
function patchExample(definition: ModelDescription | undefined): string {
  const metric = definition?.metrics.find((one) => one.access !== 'read');
  if (metric === undefined) return '{"interval": 10}';
  if (metric.kind === 'binary') return `{"${metric.name}": true}`;
  const middle = metric.min != null && metric.max != null ? Math.round((metric.min + metric.max) / 2) : 1;
  return `{"${metric.name}": ${metric.kind === 'numeric' ? middle : `"${metric.values?.[0] ?? 'text'}"`}}`;
}

type Sending =
  | { readonly kind: 'idle' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'done'; readonly version: number }
  | { readonly kind: 'failed'; readonly problem: Problem };

function PatchForm({ feed, example }: { feed: DeviceFeed; example: string }): JSX.Element {
  const [text, setText] = useState('');
  const [sending, setSending] = useState<Sending>({ kind: 'idle' });
  const parsed = parsePatch(text);
  const isWrong = text.trim() !== '' && parsed.kind === 'invalid';
  const submit = async (): Promise<void> => {
    if (parsed.kind !== 'patch') return;
    setSending({ kind: 'sending' });
    try {
      const answer = await sendJson<{ version: number }>('PATCH', feed.path('/desired'), parsed.patch);
      setSending({ kind: 'done', version: answer.version });
      setText('');
      void feed.refresh(); // never rejects
    } catch (error) {
      setSending({ kind: 'failed', problem: asProblem(error) });
    }
  };
  return (
    <form
      class="patch"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(); // failures end in `sending`
      }}
    >
      <label class="field">
        Change desired (JSON merge patch)
        <textarea
          rows={2}
          spellcheck={false}
          placeholder={example}
          value={text}
          aria-invalid={isWrong}
          aria-describedby="patch-help"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <div class="form-foot">
        <p id="patch-help" class={isWrong ? 'field-error' : 'muted'} aria-live="polite">
          {isWrong && parsed.kind === 'invalid'
            ? parsed.message
            : sending.kind === 'done'
              ? `Saved as version ${sending.version}.`
              : 'null removes a member.'}
        </p>
        <button class="button primary" disabled={parsed.kind !== 'patch' || sending.kind === 'sending'}>
          {sending.kind === 'sending' ? 'Saving…' : 'Apply patch'}
        </button>
      </div>
      {sending.kind === 'failed' && <ProblemBox problem={sending.problem} />}
    </form>
  );
}
