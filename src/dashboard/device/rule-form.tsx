/** The form that makes one rule: a sentence with gaps. The engine checks it and says what is wrong. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { MetricDescription, ModelDescription } from '../api-types.ts';
import { actionsFor, firstDraft, operatorsFor, ruleFromDraft } from '../rule-draft.ts';
import type { RuleDraft } from '../rule-draft.ts';

type Set = (change: Partial<RuleDraft>) => void;

export function RuleForm(props: {
  definition: ModelDescription;
  /** Adds the rule; never rejects. */
  add: (rule: Readonly<Record<string, unknown>>) => Promise<void>;
}): JSX.Element {
  const { definition, add } = props;
  const [draft, setDraft] = useState(() => firstDraft(definition));
  const [message, setMessage] = useState('');
  const set: Set = (change) => setDraft({ ...draft, ...change });
  return (
    <form
      class="rule-form"
      onSubmit={(event) => {
        event.preventDefault();
        const drafted = ruleFromDraft(draft, definition);
        setMessage(drafted.kind === 'invalid' ? drafted.message : '');
        if (drafted.kind === 'rule') void add(drafted.rule); // never rejects
      }}
    >
      <fieldset>
        <legend>When</legend>
        <Condition draft={draft} set={set} definition={definition} />
      </fieldset>
      <fieldset>
        <legend>Then</legend>
        <Action draft={draft} set={set} definition={definition} />
      </fieldset>
      <div class="form-foot">
        <p class="field-error" aria-live="polite">
          {message}
        </p>
        <button class="button primary">Add rule</button>
      </div>
    </form>
  );
}

function Condition({
  draft,
  set,
  definition,
}: {
  draft: RuleDraft;
  set: Set;
  definition: ModelDescription;
}): JSX.Element {
  const metric = definition.metrics.find((one) => one.name === draft.metric);
  return (
    <>
      <Choice
        label="Metric"
        value={draft.metric}
        choices={definition.metrics.map((one) => one.name)}
        onChange={(name) => {
          const kind = definition.metrics.find((one) => one.name === name)?.kind;
          set({ metric: name, op: operatorsFor(kind)[0], value: '' });
        }}
      />
      <Choice
        label="Condition"
        value={draft.condition === 'staleFor' ? 'is silent for' : draft.op}
        choices={[...operatorsFor(metric?.kind), 'is silent for']}
        onChange={(op) =>
          set(op === 'is silent for' ? { condition: 'staleFor' } : { condition: 'value', op })
        }
      />
      {draft.condition === 'staleFor' ? (
        <Text
          label="Silence"
          unit="s"
          value={draft.staleSeconds}
          onInput={(staleSeconds) => set({ staleSeconds })}
        />
      ) : (
        <Threshold draft={draft} set={set} metric={metric} />
      )}
    </>
  );
}

/** Value, duration and hysteresis of a comparison. */
function Threshold(props: {
  draft: RuleDraft;
  set: Set;
  metric: MetricDescription | undefined;
}): JSX.Element {
  const { draft, set, metric } = props;
  const choices =
    metric?.kind === 'binary'
      ? ['true', 'false']
      : metric?.kind === 'enumeration'
        ? (metric.values ?? [])
        : null;
  return (
    <>
      {choices ? (
        <Choice
          label="Value"
          value={draft.value}
          choices={['', ...choices]}
          onChange={(value) => set({ value })}
        />
      ) : (
        <Text label="Value" unit={metric?.unit} value={draft.value} onInput={(value) => set({ value })} />
      )}
      <Text
        label="For (optional)"
        unit="s"
        value={draft.forSeconds}
        onInput={(forSeconds) => set({ forSeconds })}
      />
      {metric?.kind === 'numeric' && draft.op !== '==' && draft.op !== '!=' && (
        <Text
          label="Hysteresis (optional)"
          unit={metric.unit}
          value={draft.hysteresis}
          onInput={(hysteresis) => set({ hysteresis })}
        />
      )}
    </>
  );
}

function Action({
  draft,
  set,
  definition,
}: {
  draft: RuleDraft;
  set: Set;
  definition: ModelDescription;
}): JSX.Element {
  const argument = definition.commands.find((one) => one.name === draft.command)?.argument ?? null;
  const choices =
    argument?.kind === 'enumeration'
      ? argument.values
      : argument?.kind === 'binary'
        ? ['true', 'false']
        : null;
  const actions = actionsFor(definition);
  return (
    <>
      <Choice
        label="Do"
        value={draft.action}
        choices={actions}
        onChange={(chosen) => set({ action: actions.find((action) => action === chosen) ?? 'alert' })}
      />
      {draft.action !== 'command' && (
        <Text
          label={draft.action === 'ask' ? 'Question to its agent' : 'Message'}
          wide
          value={draft.text}
          onInput={(text) => set({ text })}
        />
      )}
      {draft.action === 'command' && (
        <>
          <Choice
            label="Command"
            value={draft.command}
            choices={definition.commands.map((one) => one.name)}
            onChange={(command) => set({ command, argument: '' })}
          />
          {choices && (
            <Choice
              label="Argument"
              value={draft.argument}
              choices={['', ...choices]}
              onChange={(value) => set({ argument: value })}
            />
          )}
          {argument !== null && choices === null && (
            <Text
              label="Argument"
              unit={argument.kind === 'numeric' ? argument.unit : null}
              value={draft.argument}
              onInput={(value) => set({ argument: value })}
            />
          )}
        </>
      )}
    </>
  );
}

function Choice(props: {
  label: string;
  value: string;
  choices: readonly string[];
  onChange: (value: string) => void;
}): JSX.Element {
  return (
    <label class="field">
      {props.label}
      <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
        {props.choices.map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    </label>
  );
}

function Text(props: {
  label: string;
  value: string;
  unit?: string | null | undefined;
  wide?: boolean;
  onInput: (value: string) => void;
}): JSX.Element {
  return (
    <label class={`field ${props.wide ? 'grow' : 'narrow'}`}>
      <span>
        {props.label} {props.unit && <span class="muted">{props.unit}</span>}
      </span>
      <input
        type="text"
        inputMode={props.wide ? 'text' : 'decimal'}
        value={props.value}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
    </label>
  );
}
