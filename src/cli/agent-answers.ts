/** Answers of the bridge about agents, as text for people. Pure. */
import { asObject, objectsOf, type Json } from './bridge-client.ts';
import { ago, cut, localTime, textTable } from './text-table.ts';

/** Characters of a value in a table. */
const VALUE_CHARACTERS_MAX = 100;

export function agentTable(agents: readonly Json[], nowMs: number): string {
  const rows = agents.map(({ model, id, presence, lastSeen, messages, rejected, state }) => [
    `${String(model)}/${String(id)}`,
    String(presence),
    since(lastSeen, nowMs),
    String(messages),
    String(rejected),
    compact(state),
  ]);
  return textTable(['AGENT', 'PRESENCE', 'LAST SEEN', 'MESSAGES', 'REJECTED', 'STATE'], rows);
}

export function agentText(agent: Json, nowMs: number): string {
  const { model, id, presence, lastSeen, awake } = agent;
  const rows = [
    ['agent', `${String(model)}/${String(id)}`],
    [
      'presence',
      `${String(presence)}, last seen ${since(lastSeen, nowMs)}, ${awake === true ? 'awake' : 'asleep'}`,
    ],
    ...['state', 'reported', 'desired', 'delta'].map((name) => [name, JSON.stringify(agent[name]) ?? '-']),
    ...['version', 'messages', 'rejected', 'alerts', 'rules', 'commandsPending', 'connections', 'codec'].map(
      (name) => [name === 'commandsPending' ? 'commands pending' : name, String(agent[name] ?? '-')],
    ),
  ];
  return textTable(null, rows);
}

export function historyText(answer: Json): string {
  const series = objectsOf(answer['series']).filter(({ points }) => objectsOf(points).length > 0);
  if (series.length === 0) return 'no history in this time\n';
  return series
    .map(({ metric, unit, points }) => {
      const rows = objectsOf(points).map(({ ts, mean, min, max, count }) => [
        localTime(Number(ts)),
        ...[mean, min, max].map((value) => String(Math.round(Number(value) * 1000) / 1000)),
        String(count),
      ]);
      const title =
        unit === undefined || unit === null ? String(metric) : `${String(metric)} (${String(unit)})`;
      return textTable([title], []) + textTable(['TIME', 'MEAN', 'MIN', 'MAX', 'COUNT'], rows);
    })
    .join('\n');
}

export function rejectedTable(answer: Json): string {
  const rows = objectsOf(answer['items']).map(({ ts, channel, code, reason, payload }) => [
    localTime(Number(ts)),
    String(channel),
    String(code),
    cut(String(reason), VALUE_CHARACTERS_MAX),
    cut(String(payload), VALUE_CHARACTERS_MAX),
  ]);
  if (rows.length === 0) return 'nothing was rejected\n';
  return textTable(['TIME', 'CHANNEL', 'CODE', 'REASON', 'PAYLOAD'], rows);
}

export function commandTable(answer: Json): string {
  const rows = objectsOf(answer['items']).map(({ createdAtMs, cid, name, args, status, value, error }) => [
    localTime(Number(createdAtMs)),
    String(cid),
    String(name),
    compact(args),
    String(status),
    compact(error ?? value),
  ]);
  if (rows.length === 0) return 'no commands\n';
  return textTable(['TIME', 'CID', 'COMMAND', 'ARGUMENT', 'STATUS', 'ANSWER'], rows);
}

/** What became of a command that was sent. */
export function outcomeText(answer: unknown, agent: string): string {
  const { status, cid, value, error } = asObject(answer);
  const said = error ?? value;
  const detail = said === undefined ? '' : `: ${compact(said)}`;
  const wait =
    status === 'pending' ? `: ${agent} has not answered yet; it gets the command until it expires` : '';
  return textTable(null, [[`${String(status)}${wait}${detail} (${String(cid)})`]]);
}

function since(lastSeen: unknown, nowMs: number): string {
  return typeof lastSeen === 'number' ? ago(lastSeen, nowMs) : 'never';
}

function compact(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value ?? null) ?? 'null');
  return text === 'null' ? '-' : cut(text, VALUE_CHARACTERS_MAX);
}
