/** What the rules do about a question about many devices: one call of a tool of the fleet, and what it answered in words. */
import type { LanguageModelV4ToolResultPart } from '../language-model.ts';
import { fleetQuestionOf, type FleetQuestion, type FleetTerms } from './fleet-question.ts';
import type { FleetModels } from './fleet-words.ts';
import type { Plan, Tool } from './plan.ts';
import type { Statistic } from './sentence.ts';

/** For people who ask what they can ask. */
export const FLEET_HELP =
  'Understood are questions such as "how many are online", "list devices by model", "which greenhouses are above 30 °C", "warmest greenhouse", ' +
  '"average temperature", "which are silent for an hour", "what needs attention", and, with the name of a device, whatever that device understands: ' +
  '"what is the temperature of greenhouse/g1", "stop pump/p1".';

const LISTED = 20;
const TOOLS: Readonly<Record<Exclude<FleetQuestion['kind'], 'unclear'>, string>> = {
  count: 'fleet_search',
  list: 'fleet_search',
  compare: 'fleet_compare',
  attention: 'fleet_overview',
  groups: 'fleet_groups',
  device: 'ask_device',
};

/** Whether these are the tools of a fleet. */
export function isFleet(tools: readonly Tool[]): boolean {
  return ['fleet_overview', 'fleet_search', 'fleet_compare'].every((name) =>
    tools.some((tool) => tool.name === name),
  );
}

/** Undefined: no question about many devices, or none that these tools answer. */
export function planFleet(text: string, models: FleetModels, tools: readonly Tool[]): Plan | undefined {
  const question = fleetQuestionOf(text, models);
  if (question === undefined) return undefined;
  if (question.kind === 'unclear') return { kind: 'say', text: `Not understood: ${question.why}.` };
  const isWhole = question.kind === 'count' && isOverview(question.terms);
  const tool = isWhole ? 'fleet_overview' : TOOLS[question.kind];
  if (!tools.some(({ name }) => name === tool)) return undefined;
  return { kind: 'call', tool, input: inputOf(question, isWhole) };
}

/** Counts by model and presence answer it. */
function isOverview({ text, metric, silent_minutes: silent }: FleetTerms): boolean {
  return text === undefined && metric === undefined && silent === undefined;
}

function inputOf(
  question: Exclude<FleetQuestion, { kind: 'unclear' }>,
  isWhole: boolean,
): Record<string, unknown> {
  switch (question.kind) {
    case 'count':
    case 'attention': {
      const { group } = question.terms;
      const place = group === undefined ? {} : { group };
      return isWhole || question.kind === 'attention' ? place : { ...question.terms, limit: 1 };
    }
    case 'list': {
      const { text } = question.terms;
      return text === undefined ? { ...question.terms, limit: LISTED } : { text };
    }
    case 'compare':
      return { ...question.terms };
    case 'groups':
      return { action: 'list' };
    case 'device':
      return { device: question.device, question: question.question };
  }
}

/** What the call of `planFleet` for the same sentence answered; undefined: say what there is. */
export function describeFleet(
  text: string,
  models: FleetModels,
  results: readonly LanguageModelV4ToolResultPart[],
): string | undefined {
  const question = fleetQuestionOf(text, models);
  const [result, other] = results;
  if (question === undefined || result?.output.type !== 'json' || other !== undefined) return undefined;
  const value = result.output.value as Readonly<Record<string, unknown>>; // the tools of the fleet answer objects
  const cut = typeof value['partial'] === 'string' ? ` (${value['partial']})` : '';
  switch (question.kind) {
    case 'count':
      return (
        (result.toolName === 'fleet_overview'
          ? counted(value, question.terms)
          : matching(value, question.terms, 0)) + cut
      );
    case 'list': {
      const { text: device } = question.terms;
      return (
        (device === undefined ? matching(value, question.terms, LISTED) : presenceOf(value, device)) + cut
      );
    }
    case 'compare':
      return compared(value, question.terms, question.statistic) + cut;
    case 'attention':
      return attention(value) + cut;
    case 'device':
      return answered(value);
    case 'groups':
    case 'unclear':
      return undefined;
  }
}

const PRESENCES = ['online', 'offline', 'never'] as const;
type Counts = Readonly<Record<(typeof PRESENCES)[number], number>>;

/** `{ models: { pump: { online, offline, never } } }`: reports of the fleet, agent/fleet/fleet-reports.ts */
function counted(value: Readonly<Record<string, unknown>>, { model, presence }: FleetTerms): string {
  const all = Object.entries(value['models'] as Readonly<Record<string, Counts>>);
  const models = all.filter(([name]) => model === undefined || name === model);
  const sum = (which: readonly (typeof PRESENCES)[number][]): number =>
    models.reduce((total, [, counts]) => which.reduce((more, name) => more + counts[name], total), 0);
  const total = sum(PRESENCES);
  const what = model === undefined ? 'device' : `${model} device`;
  if (presence !== undefined) {
    const parts = models
      .filter(([, counts]) => counts[presence] > 0)
      .map(([name, counts]) => `${name} ${counts[presence]}`);
    const list = model !== undefined || parts.length === 0 ? '' : ` (${parts.join(', ')})`;
    return `${sum([presence])} of ${plural(total, what)} ${presenceWord(presence, total === 1 ? 1 : sum([presence]))}${list}.`;
  }
  const parts = models.map(
    ([name, counts]) => `${name} ${PRESENCES.reduce((more, one) => more + counts[one], 0)}`,
  );
  const list = model !== undefined || parts.length < 2 ? '' : ` By model: ${parts.join(', ')}.`;
  const byPresence = `${sum(['online'])} online, ${sum(['offline'])} offline, ${sum(['never'])} never connected`;
  return `${plural(total, what)}: ${byPresence}.${list}`;
}

interface Row {
  readonly device: string;
  readonly presence: string;
  readonly lastContact: string | null;
  readonly values: Readonly<Record<string, unknown>>;
}

function presenceOf(value: Readonly<Record<string, unknown>>, name: string): string {
  // Others may begin with its name.
  const row = (value['devices'] as readonly Row[]).find(({ device }) => device === name);
  if (row === undefined) return `There is no device ${name}.`;
  const heard = row.lastContact === null ? '' : `, last heard ${row.lastContact}`;
  return `${name} ${presenceWord(row.presence, 1)}${heard}.`;
}

/** @param listed how many are named at most */
function matching(value: Readonly<Record<string, unknown>>, terms: FleetTerms, listed: number): string {
  const count = Number(value['matching']);
  const what = terms.model === undefined ? 'device' : `${terms.model} device`;
  const which = conditions(terms);
  const head = `${plural(count, what)}${which === '' ? '' : ` ${which}`}`;
  const rows = (value['devices'] as readonly Row[]).slice(0, listed);
  if (rows.length === 0) return `${head}.`;
  const names = rows.map(({ device, lastContact, values }) => {
    const said = terms.metric === undefined ? undefined : values[terms.metric];
    if (said !== undefined && terms.value !== said) return `${device} ${String(said)}`;
    const isAway = terms.presence === 'offline' || terms.silent_minutes !== undefined;
    return isAway && lastContact !== null ? `${device} (last heard ${lastContact})` : device;
  });
  const more = count > names.length ? `, and ${count - names.length} more` : '';
  return `${head}: ${names.join(', ')}${more}.`;
}

function conditions({ presence, silent_minutes: silent, metric, op, value, group }: FleetTerms): string {
  const parts = [
    ...(group === undefined ? [] : [`of the group ${group}`]),
    ...(presence === undefined ? [] : [presence === 'never' ? 'never connected' : presence]),
    ...(silent === undefined ? [] : [`silent for ${silent} min or more`]),
    ...(metric === undefined
      ? []
      : [op === undefined ? `with ${metric}` : `with ${metric} ${op} ${String(value)}`]),
  ];
  return parts.join(', ');
}

interface Extreme {
  readonly device: string;
  readonly value: number;
}

function compared(
  value: Readonly<Record<string, unknown>>,
  { metric, model }: FleetTerms,
  statistic: Statistic | undefined,
): string {
  const what = model === undefined ? 'device' : `${model} device`;
  const count = Number(value['devices']);
  if (count === 0) return `No ${what} has said a number for ${metric}.`;
  const named = (ends: unknown): string =>
    (ends as readonly Extreme[]).map((end) => `${end.device} ${end.value}`).join(', ');
  const of = `${metric} of ${plural(count, what)}`;
  if (statistic === 'max') return `Highest ${of}: ${named(value['highest'])}.`;
  if (statistic === 'min') return `Lowest ${of}: ${named(value['lowest'])}.`;
  if (statistic === 'mean') return `Mean ${of}: ${String(value['mean'])}.`;
  const [low] = value['lowest'] as readonly Extreme[];
  const [high] = value['highest'] as readonly Extreme[];
  return `${of}: from ${low?.value} (${low?.device}) to ${high?.value} (${high?.device}), mean ${String(value['mean'])}.`;
}

const REASONS: Readonly<Record<string, string>> = {
  rejected: 'messages that were rejected',
  alert: 'alerts',
  offline: 'devices that went offline',
  'command-expired': 'commands that expired',
};

function attention(value: Readonly<Record<string, unknown>>): string {
  const reasons = Object.entries(value['attention'] as Readonly<Record<string, number>>);
  if (reasons.length === 0) return 'Nothing needs attention.';
  return `Needs attention: ${reasons.map(([reason, count]) => `${count} ${REASONS[reason] ?? reason}`).join(', ')}.`;
}

/** What the agent of a device said, without what every text of these rules begins with. */
function answered(value: Readonly<Record<string, unknown>>): string | undefined {
  const { device, text, finish, error } = value;
  if (typeof device !== 'string' || typeof text !== 'string') return undefined;
  const said = text.replace(/^No language model is configured; this is the rules engine\. /, '');
  if (finish === 'waiting-for-approval')
    return `${device}: ${said === '' ? 'it' : said} waits for a person's approval.`;
  return `${device}: ${finish === 'failed' ? String(error) : said}`;
}

function plural(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function presenceWord(presence: string, count: number): string {
  if (presence === 'never') return count === 1 ? 'has never connected' : 'have never connected';
  return `${count === 1 ? 'is' : 'are'} ${presence}`;
}
