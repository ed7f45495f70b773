/** Command forms made from the model, and what became of the commands sent. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { asProblem, sendJson } from '../api.ts';
import type { Problem } from '../api.ts';
import type { CommandDescription, CommandItem, CommandStatus, ModelDescription } from '../api-types.ts';
import type { DeviceFeed } from '../device-feed.ts';
import { metricValue } from '../format.ts';
import { useObservable } from '../ui/hooks.ts';
import { Card, Empty, ProblemBox, TimeAgo } from '../ui/widgets.tsx';

/** The bridge answers `pending` after this; the command itself lives on. */
const WAIT = '10s';
const HISTORY_MAX = 8;

interface Answer {
  readonly cid: string;
  readonly status: CommandStatus;
  readonly value?: unknown;
  readonly error?: unknown;
}

type Run =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running' }
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'refused'; readonly problem: Problem };

export function Commands({
  feed,
  definition,
}: {
  feed: DeviceFeed;
  definition: ModelDescription;
}): JSX.Element {
  return (
    <Card title="Commands" id="commands">
      {definition.commands.length === 0 && <Empty>This model takes no commands.</Empty>}
      <ul class="command-list">
        {definition.commands.map((command) => (
          <Command key={command.name} feed={feed} command={command} />
        ))}
      </ul>
      <History feed={feed} />
    </Card>
  );
}

function Command({ feed, command }: { feed: DeviceFeed; command: CommandDescription }): JSX.Element {
  const [run, setRun] = useState<Run>({ kind: 'idle' });
  const send = async (argument: unknown): Promise<void> => {
    setRun({ kind: 'running' });
    const path = feed.path(`/commands/${encodeURIComponent(command.name)}?timeout=${WAIT}`);
    try {
      const answering = sendJson<Answer>('POST', path, argument);
      void feed.refreshCommands(); // never rejects; shows the command while it waits
      setRun({ kind: 'answered', answer: await answering });
    } catch (error) {
      setRun({ kind: 'refused', problem: asProblem(error) });
    }
    await feed.refreshCommands();
  };
  return (
    <li class="command">
      <div class="command-text">
        <strong id={`command-${command.name}`}>{command.name}</strong>
        {command.description && <span class="muted"> {command.description}</span>}
      </div>
      <ArgumentForm
        command={command}
        isBusy={run.kind === 'running'}
        send={(argument) => void send(argument)}
      />
      <div class="command-outcome" aria-live="polite">
        <Outcome run={run} />
      </div>
    </li>
  );
}

function Outcome({ run }: { run: Run }): JSX.Element | null {
  if (run.kind === 'running') return <span class="muted">Waiting for the device…</span>;
  if (run.kind === 'refused') return <ProblemBox problem={run.problem} />;
  if (run.kind === 'idle') return null;
  const { status, value, error } = run.answer;
  return (
    <span>
      <StatusBadge status={status} />{' '}
      {status === 'pending' && <span class="muted">It gets the command when it wakes.</span>}
      {value !== undefined && value !== null && <code>{JSON.stringify(value)}</code>}
      {error != null && <span class="muted">{text(error)}</span>}
    </span>
  );
}

function ArgumentForm(props: {
  command: CommandDescription;
  isBusy: boolean;
  send: (argument: unknown) => void;
}): JSX.Element {
  const { command, isBusy, send } = props;
  const argument = command.argument;
  if (argument === null) {
    return (
      <button type="button" class="button" disabled={isBusy} onClick={() => send(undefined)}>
        {command.name}
      </button>
    );
  }
  if (argument.kind === 'numeric' || argument.kind === 'text') return <TypedArgument {...props} />;
  const choices: readonly [string, unknown][] =
    argument.kind === 'enumeration'
      ? argument.values.map((value) => [value, value])
      : [
          ['on', true],
          ['off', false],
        ];
  return (
    <div class="segments" role="group" aria-labelledby={`command-${command.name}`}>
      {choices.map(([label, value]) => (
        <button key={label} type="button" disabled={isBusy} onClick={() => send(value)}>
          {label}
        </button>
      ))}
    </div>
  );
}

function TypedArgument(props: {
  command: CommandDescription;
  isBusy: boolean;
  send: (argument: unknown) => void;
}): JSX.Element {
  const { command, isBusy, send } = props;
  const [typed, setTyped] = useState('');
  const argument = command.argument;
  const isNumber = argument?.kind === 'numeric';
  const range = argument?.kind === 'numeric' ? { min: argument.min, max: argument.max } : {};
  const hint = argument?.kind === 'numeric' ? `${argument.min} to ${argument.max}` : 'text';
  return (
    <form
      class="argument"
      onSubmit={(event) => {
        event.preventDefault();
        send(isNumber ? Number(typed) : typed);
      }}
    >
      <input
        type={isNumber ? 'number' : 'text'}
        step="any"
        required
        {...range}
        maxLength={argument?.kind === 'text' ? argument.bytesMax : undefined}
        placeholder={hint}
        aria-labelledby={`command-${command.name}`}
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      {argument?.kind === 'numeric' && argument.unit && <span class="muted">{argument.unit}</span>}
      <button class="button" disabled={isBusy}>
        Send
      </button>
    </form>
  );
}

function History({ feed }: { feed: DeviceFeed }): JSX.Element | null {
  const commands = useObservable(feed.commands);
  if (commands === null || commands.length === 0) return null;
  return (
    <>
      <h3>Last commands</h3>
      <ul class="rows">
        {commands.slice(0, HISTORY_MAX).map((item) => (
          <HistoryLine key={item.cid} item={item} />
        ))}
      </ul>
    </>
  );
}

function HistoryLine({ item }: { item: CommandItem }): JSX.Element {
  return (
    <li>
      <StatusBadge status={item.status} />
      <span class="grow">
        {item.name}
        {item.args != null && <> {metricValue(item.args)}</>}
        {item.error != null && <span class="muted"> · {text(item.error)}</span>}
      </span>
      <span class="muted" title={item.cid}>
        <TimeAgo atMs={item.createdAtMs} />
      </span>
    </li>
  );
}

const STATUS_SIGNS: Readonly<Record<CommandStatus, string>> = {
  queued: '…',
  sent: '→',
  pending: '…',
  done: '✓',
  failed: '✗',
  expired: '!',
};

/** A sign and a word: colour only helps. */
function StatusBadge({ status }: { status: CommandStatus }): JSX.Element {
  return (
    <span class={`badge status-${status}`}>
      <span aria-hidden="true">{STATUS_SIGNS[status]}</span> {status}
    </span>
  );
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
