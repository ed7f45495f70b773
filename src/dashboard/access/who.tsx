/** Who is signed in, in the header, and the way out. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { asProblem } from '../api.ts';
import type { Problem } from '../api.ts';
import type { Me } from '../api-types.ts';
import { signOut } from '../session.ts';
import { Icon } from '../ui/widgets.tsx';

export function Who({ me }: { me: Me }): JSX.Element | null {
  const [problem, setProblem] = useState<Problem | null>(null);
  if (me.name === null) return null;
  const leave = async (): Promise<void> => {
    setProblem(null);
    try {
      await signOut();
      location.reload(); // ends what the page has open
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <div class="who">
      <span class="who-name" title={scopesText(me)}>
        <span class="visually-hidden">Signed in as </span>
        {me.name}
      </span>
      {problem !== null && (
        <span class="field-error" role="alert" title={problem.detail}>
          Not signed out: {problem.title}
        </span>
      )}
      <button
        type="button"
        class="button icon-button"
        aria-label="Sign out"
        title="Sign out"
        onClick={() => void leave() /* never rejects */}
      >
        <Icon name="leave" />
      </button>
    </div>
  );
}

function scopesText({ scopes, agents, expiresAtMs }: Me): string {
  const of = agents === null ? '' : ` of ${agents.join(', ')}`;
  const until = expiresAtMs === null ? '' : `, until ${new Date(expiresAtMs).toLocaleString()}`;
  return `May ${scopes.join(', ')}${of}${until}`;
}
