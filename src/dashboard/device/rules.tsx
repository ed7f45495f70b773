/** Rules of the device in the engine's words, a form to add one, and delete. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { asProblem, getJson, sendJson } from '../api.ts';
import type { Problem } from '../api.ts';
import type { ModelDescription, RuleItem } from '../api-types.ts';
import type { DeviceFeed } from '../device-feed.ts';
import { plural } from '../format.ts';
import { Card, Empty, ProblemBox } from '../ui/widgets.tsx';
import { RuleForm } from './rule-form.tsx';
import { TeachRule } from './teach-rule.tsx';

export function Rules({ feed, definition }: { feed: DeviceFeed; definition: ModelDescription }): JSX.Element {
  const [rules, setRules] = useState<readonly RuleItem[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isAdding, setAdding] = useState(false);

  /** Does `change`, then reads the rules again; a failure is shown and answers false. Never rejects. */
  const after = async (change?: () => Promise<unknown>): Promise<boolean> => {
    try {
      await change?.();
      setRules((await getJson<{ rules: readonly RuleItem[] }>(feed.path('/rules'))).rules);
      setProblem(null);
      return true;
    } catch (error) {
      setProblem(asProblem(error));
      return false;
    }
  };
  useEffect(() => void after(), [feed]); // never rejects

  return (
    <Card
      title="Rules"
      id="rules"
      aside={
        <>
          <span class="muted">
            {rules === null ? '…' : rules.length === 0 ? 'none' : plural(rules.length, 'rule')}
          </span>
          <button type="button" class="button" aria-expanded={isAdding} onClick={() => setAdding(!isAdding)}>
            {isAdding ? 'Cancel' : 'Add rule'}
          </button>
        </>
      }
    >
      <TeachRule path={feed.path('/rules')} changed={() => void after()} />
      {problem && <ProblemBox problem={problem} />}
      {isAdding && (
        <RuleForm
          definition={definition}
          add={async (rule) => {
            if (await after(() => sendJson('POST', feed.path('/rules'), { rule }))) setAdding(false);
          }}
        />
      )}
      {rules !== null && rules.length === 0 && !isAdding && (
        <Empty>No rule yet. A rule runs in the bridge, with or without this page, and without a model.</Empty>
      )}
      <ul class="rows tall">
        {(rules ?? []).map((rule) => (
          <Rule
            key={rule.id}
            rule={rule}
            remove={() =>
              void after(() => sendJson('DELETE', feed.path(`/rules/${encodeURIComponent(rule.id)}`)))
            }
          />
        ))}
      </ul>
    </Card>
  );
}

function Rule({ rule, remove }: { rule: RuleItem; remove: () => void }): JSX.Element {
  return (
    <li>
      <span class="grow">{capitalised(rule.description)}</span>
      {rule.source === 'model' ? (
        <span class="muted">of the model</span>
      ) : (
        <button
          type="button"
          class="button"
          aria-label={`Delete the rule: ${rule.description}`}
          onClick={remove}
        >
          Delete
        </button>
      )}
    </li>
  );
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
