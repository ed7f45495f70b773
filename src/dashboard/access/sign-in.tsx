/** Where a bridge asks who one is: a name with a password, or a token. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { asProblem, Problem, readToken, writeToken } from '../api.ts';
import { signIn } from '../session.ts';
import { ProblemBox } from '../ui/widgets.tsx';

/** @param refusal what the bridge said to the token that this tab has */
export function SignIn({ refusal }: { refusal: Problem }): JSX.Element {
  return (
    <section class="card sign-in" aria-labelledby="sign-in">
      <h1 id="sign-in" tabIndex={-1}>
        Sign in
      </h1>
      {readToken() !== null && <ProblemBox problem={refusal} />}
      <PasswordForm />
      <p class="or muted">or</p>
      <TokenForm />
      <p class="muted">What signs you in is kept until this tab closes.</p>
    </section>
  );
}

function PasswordForm(): JSX.Element {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const submit = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await signIn(name.trim(), password);
      location.reload(); // every connection starts with the token
    } catch (error) {
      setProblem(asRefusal(asProblem(error)));
      setBusy(false);
    }
  };
  return (
    <form
      class="sign-in-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBusy) void submit(); // never rejects
      }}
    >
      <label class="field">
        Name
        <input
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        Password
        <input
          type="password"
          autocomplete="current-password"
          required
          value={password}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
      </label>
      {problem !== null && <ProblemBox problem={problem} />}
      <button class="button primary" aria-disabled={isBusy}>
        {isBusy ? 'Signing in…' : 'Sign in'}
      </button>
    </form>
  );
}

/** The title of a 401 is about tokens. */
function asRefusal(problem: Problem): Problem {
  const { status, detail, code } = problem;
  return status === 401 ? new Problem(status, 'Not signed in', detail, code) : problem;
}

function TokenForm(): JSX.Element {
  const [token, setToken] = useState('');
  return (
    <form
      class="sign-in-form"
      onSubmit={(event) => {
        event.preventDefault();
        writeToken(token.trim());
        location.reload(); // every connection starts with the token
      }}
    >
      <label class="field">
        Token
        <input
          type="password"
          autocomplete="off"
          required
          value={token}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      <button class="button">Use the token</button>
    </form>
  );
}
