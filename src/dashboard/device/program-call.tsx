/** A program that the model wrote: what came of it first, then the program, with the line that failed. */
import type { JSX } from 'preact';
import { programSize } from '../program-words.ts';
import type { ProgramView } from '../program-words.ts';
import { ProgramText } from '../ui/program-text.tsx';
import { Icon } from '../ui/widgets.tsx';

export function ProgramCall({ view }: { view: ProgramView }): JSX.Element {
  const { code, error, errorLine, result, note, logs, waitingFor } = view;
  return (
    <>
      {waitingFor.length > 0 && <Waiting calls={waitingFor} />}
      {error !== '' && (
        <p class="program-error">
          <Icon name="warning" />
          <span>{error}</span>
        </p>
      )}
      {result !== null && <Output label="Result" text={result} />}
      {note !== '' && <p class="muted">{note}</p>}
      {logs.length > 0 && <Output label="Log" text={logs.join('\n')} />}
      <details class="program-text" open={errorLine !== null}>
        <summary>The program, {programSize(code)}</summary>
        <ProgramText code={code} errorLine={errorLine} />
      </details>
    </>
  );
}

function Waiting({ calls }: { calls: readonly string[] }): JSX.Element {
  return (
    <div class="program-waiting">
      <p>People were asked; the program goes on when they have decided:</p>
      <ul>
        {calls.map((words, n) => (
          <li key={n}>{words}</li>
        ))}
      </ul>
    </div>
  );
}

function Output({ label, text }: { label: string; text: string }): JSX.Element {
  return (
    <figure class="program-output">
      <figcaption class="muted">{label}</figcaption>
      <pre class="code" tabIndex={0} aria-label={`${label} of the program`}>
        {text}
      </pre>
    </figure>
  );
}
