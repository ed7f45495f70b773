/** The text of a program, in colours. */
import type { JSX } from 'preact';
import { programLines } from '../program-words.ts';
import type { Token } from '../program-words.ts';

/** In a fixed width, each line with its number. @param errorLine from 1 */
export function ProgramText({ code, errorLine }: { code: string; errorLine: number | null }): JSX.Element {
  return (
    <pre class="code program-code" tabIndex={0} aria-label="Program">
      <code>
        {programLines(code).map((tokens, n) => (
          <Line key={n} tokens={tokens} hasFailed={errorLine === n + 1} />
        ))}
      </code>
    </pre>
  );
}

function Line({ tokens, hasFailed }: { tokens: readonly Token[]; hasFailed: boolean }): JSX.Element {
  return (
    <span class={hasFailed ? 'program-line program-line-failed' : 'program-line'}>
      {tokens.map(({ kind, text }, n) =>
        kind === 'plain' ? (
          text
        ) : (
          <span key={n} class={`token-${kind}`}>
            {text}
          </span>
        ),
      )}
      {hasFailed && <span class="visually-hidden"> (it failed here)</span>}
      {'\n'}
    </span>
  );
}
