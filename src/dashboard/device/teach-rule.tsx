/** "Teach this device a rule": a sentence, what it is understood as, and nothing active before a person says so. */
import type { JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { asProblem, sendJson } from '../api.ts';
import type { Problem } from '../api.ts';
import type { RuleItem } from '../api-types.ts';
import { dryRunWords, ruleOf, type RulePreview } from '../rule-teaching.ts';

type Lesson =
  | { readonly kind: 'none' }
  | { readonly kind: 'asking' }
  | { readonly kind: 'understood'; readonly preview: RulePreview }
  | { readonly kind: 'failed'; readonly problem: Problem }
  | { readonly kind: 'added'; readonly rule: RuleItem }
  | { readonly kind: 'undone' };

export function TeachRule({ path, changed }: { path: string; changed: () => void }): JSX.Element {
  const id = useId();
  const [text, setText] = useState('');
  const { lesson, reset, understand, add, undo } = useLesson(path, changed);
  return (
    <form
      class="teach"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim() !== '') void understand(text); // never rejects
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && lesson.kind === 'understood') reset();
      }}
    >
      <label for={id}>Teach this device a rule</label>
      <div class="teach-line">
        <input
          id={id}
          value={text}
          maxLength={500}
          autocomplete="off"
          placeholder="when … is above … for 5 minutes, notify me"
          onInput={(event) => {
            setText(event.currentTarget.value);
            reset();
          }}
        />
        <button class="button" disabled={lesson.kind === 'asking'}>
          Understand
        </button>
      </div>
      <div aria-live="polite">
        <Answer
          lesson={lesson}
          add={(preview) => void add(preview)}
          cancel={reset}
          undo={(rule) => void undo(rule)}
          take={(sentence) => {
            setText(sentence);
            void understand(sentence); // never rejects
          }}
        />
      </div>
    </form>
  );
}

/** What the bridge said, and what can be asked of it; none of these rejects. */
function useLesson(
  path: string,
  changed: () => void,
): {
  readonly lesson: Lesson;
  readonly reset: () => void;
  readonly understand: (sentence: string) => Promise<void>;
  readonly add: (preview: RulePreview) => Promise<void>;
  readonly undo: (rule: RuleItem) => Promise<void>;
} {
  const [lesson, setLesson] = useState<Lesson>({ kind: 'none' });
  const reset = (): void => setLesson({ kind: 'none' });
  const step = async (next: () => Promise<Lesson>): Promise<void> => {
    setLesson({ kind: 'asking' });
    try {
      setLesson(await next());
    } catch (error) {
      setLesson({ kind: 'failed', problem: asProblem(error) });
    }
  };
  const understand = (sentence: string): Promise<void> =>
    step(async () => {
      const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions();
      const asked = { text: sentence, zone };
      return {
        kind: 'understood',
        preview: await sendJson<RulePreview>('POST', `${path}?dryRun=true`, asked),
      };
    });
  const add = (preview: RulePreview): Promise<void> =>
    step(async () => {
      const rule = await sendJson<RuleItem>('POST', path, { rule: ruleOf(preview) });
      changed();
      return { kind: 'added', rule };
    });
  const undo = (rule: RuleItem): Promise<void> =>
    step(async () => {
      await sendJson('DELETE', `${path}/${encodeURIComponent(rule.id)}`);
      changed();
      return { kind: 'undone' };
    });
  return { lesson, reset, understand, add, undo };
}

function Answer(props: {
  lesson: Lesson;
  add: (preview: RulePreview) => void;
  cancel: () => void;
  undo: (rule: RuleItem) => void;
  take: (sentence: string) => void;
}): JSX.Element | null {
  const { lesson, add, cancel, undo, take } = props;
  switch (lesson.kind) {
    case 'none':
      return null;
    case 'asking':
      return <p class="muted">…</p>;
    case 'understood':
      return <Understood preview={lesson.preview} add={add} cancel={cancel} />;
    case 'failed':
      return <NotUnderstood problem={lesson.problem} take={take} />;
    case 'added':
      return (
        <div class="teach-answer teach-foot">
          <span class="grow">Active now: {lesson.rule.description}</span>
          <Focused label="Undo" act={() => undo(lesson.rule)} />
        </div>
      );
    case 'undone':
      return <p class="teach-answer">Taken back: the rule is deleted.</p>;
  }
}

function Understood(props: {
  preview: RulePreview;
  add: (preview: RulePreview) => void;
  cancel: () => void;
}): JSX.Element {
  const { preview, add, cancel } = props;
  return (
    <div class="teach-answer">
      <p>
        Understood as: <strong>{preview.description}</strong>
      </p>
      {preview.tier === 'model' && (
        <p>
          A model read it ({Math.round((preview.confidence ?? 0) * 100)} % sure). Check that it is what you
          meant.
        </p>
      )}
      <p class="muted">{dryRunWords(preview.wouldHaveFired, dayAndTime)}</p>
      <details>
        <summary>As JSON</summary>
        <pre class="code" tabIndex={0}>
          {JSON.stringify(ruleOf(preview), null, 2)}
        </pre>
      </details>
      <div class="teach-foot">
        <button type="button" class="button primary" onClick={() => add(preview)}>
          Make it so
        </button>
        <button type="button" class="button" onClick={cancel}>
          Cancel
        </button>
      </div>
    </div>
  );
}

function NotUnderstood({ problem, take }: { problem: Problem; take: (text: string) => void }): JSX.Element {
  const examples = Array.isArray(problem.members['examples']) ? problem.members['examples'] : [];
  if (examples.length === 0) {
    return (
      <p class="teach-answer">
        <strong>{problem.title}.</strong> {problem.detail}
      </p>
    );
  }
  return (
    <div class="teach-answer">
      <p>
        <strong>Not understood as a whole.</strong> This device understands, for example:
      </p>
      <ul>
        {examples.map((example) => (
          <li key={String(example)}>
            <button type="button" class="link" onClick={() => take(String(example))}>
              {String(example)}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Takes the focus of the button that was pressed before it and is gone. */
function Focused({ label, act }: { label: string; act: () => void }): JSX.Element {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  return (
    <button type="button" class="button" ref={button} onClick={act}>
      {label}
    </button>
  );
}

function dayAndTime(atMs: number): string {
  return new Date(atMs).toLocaleString(undefined, { weekday: 'short', hour: '2-digit', minute: '2-digit' });
}
