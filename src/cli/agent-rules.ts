/** `mooring agent rules`: what a device does by itself. */
import { limits } from '../base/limits.ts';
import { agentPath, subcommand } from './agent-path.ts';
import {
  asObject,
  CLIENT_OPTIONS,
  clientOf,
  objectsOf,
  RefusedError,
  type BridgeClient,
  type Json,
} from './bridge-client.ts';
import { EXIT, printJson, UsageError, type Command, type Invocation } from './command.ts';
import { textTable } from './text-table.ts';

export const rulesCommand: Command = {
  summary: 'rules of a device: list them, add one in words, remove one',
  usage: '<model>/<id> [list | add <sentence> | remove <rule>]',
  arguments: { min: 1, max: 3 },
  options: {
    'dry-run': { type: 'boolean', meaning: 'with add: only say how the sentence is understood' },
    yes: { type: 'boolean', meaning: 'with add: also when a model understood the sentence' },
    ...CLIENT_OPTIONS,
  },
  details:
    'A sentence is understood as a whole or not at all: "when <metric> is above <value> for 5 minutes, <action>".\n' +
    'What the rule means is printed as the bridge understood it; read it. A rule as JSON is taken as well.\n' +
    'What only a model understands is shown and not added, with exit code 1; --yes adds it.',
  examples: [
    'mooring agent rules greenhouse/g7',
    'mooring agent rules greenhouse/g7 add "when temperature is above 30 for 5 minutes, open the vent" --dry-run',
    'mooring agent rules pump/p1 add "when no vibration comes for 10 minutes, alert the sensor is silent"',
    'mooring agent rules pump/p1 remove moqx3f.9a',
  ],
  run: rules,
};

async function rules(invocation: Invocation): Promise<number> {
  const path = `${agentPath(invocation)}/rules`;
  const { name, words } = subcommand(invocation, { list: [], add: ['<sentence>'], remove: ['<rule>'] });
  const [word = ''] = words;
  const isDry = invocation.values['dry-run'] !== undefined;
  const isSure = invocation.values['yes'] !== undefined;
  if (isDry && name !== 'add') throw new UsageError('--dry-run goes with add only');
  if (isSure && (isDry || name !== 'add'))
    throw new UsageError('--yes goes with add only, and without --dry-run');
  const client = clientOf(invocation);
  switch (name) {
    case 'list': {
      const answer = await client.ask('GET', path);
      return invocation.isJson ? printJson(answer) : print(ruleTable(objectsOf(asObject(answer)['rules'])));
    }
    case 'add': {
      const url = `${path}${isDry ? '?dryRun=true' : ''}`;
      const answer = await adding(client, url, bodyOf(word), isSure);
      if (answer instanceof RefusedError) return unconfirmed(answer.problem, invocation.isJson);
      return invocation.isJson ? printJson(answer) : print(added(asObject(answer), isDry));
    }
    case 'remove': {
      // As a query: the path takes only what can be an id.
      const answer = await client.ask('DELETE', `${path}?${new URLSearchParams({ id: word })}`);
      return invocation.isJson ? printJson(answer) : print(`the rule ${word} is removed\n`);
    }
  }
}

/** The bridge's answer, or its refusal when a model made the rule and nobody is sure. @throws ConnectError, RefusedError */
async function adding(client: BridgeClient, url: string, body: object, isSure: boolean): Promise<unknown> {
  try {
    return await client.ask('POST', url, { body });
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== 'BRG_RULE_UNCONFIRMED') throw error;
    return isSure ? client.ask('POST', url, { body: { rule: error.problem['rule'] } }) : error;
  }
}

/** What is to be confirmed is what was asked for; that nothing was added is for the exit code and for people. */
function unconfirmed(problem: Json, isJson: boolean): number {
  const { rule, description, confidence } = problem;
  if (isJson) printJson(problem);
  else print(textTable(null, [[String(description)], [JSON.stringify(rule)]]));
  process.stderr.write(
    `nothing was added: a model understood the sentence so, ${Number(confidence)} sure. To confirm it, say it again with --yes, or add the JSON\n`,
  );
  return EXIT.failed;
}

/** @throws UsageError */
function bodyOf(text: string): object {
  if (!text.trimStart().startsWith('{')) {
    if (text.length <= limits.toolSentenceCharactersMax) return { text };
    throw new UsageError(`a sentence has at most ${limits.toolSentenceCharactersMax} characters`);
  }
  try {
    return { rule: JSON.parse(text) as unknown };
  } catch {
    throw new UsageError('the rule begins with "{" and is not valid JSON');
  }
}

function ruleTable(rules: readonly Json[]): string {
  if (rules.length === 0) return 'no rules\n';
  const rows = rules.map(({ id, source, description }) => [String(id), String(source), String(description)]);
  return textTable(['RULE', 'SOURCE', 'MEANING'], rows);
}

function added({ id, description, wouldHaveFired, ...rule }: Json, isDry: boolean): string {
  const { source: _, createdAtMs: __, tier, confidence, ...data } = rule;
  const text = JSON.stringify(data);
  return isDry
    ? textTable(null, [
        [`${String(description)} (nothing was added)`],
        [text],
        ...trial(asObject(wouldHaveFired)),
        ...madeBy(tier, confidence),
      ])
    : textTable(null, [[`${String(id)}: ${String(description)}`]]);
}

/** What the rule would have done. */
function trial({ count, times, steps, resolutionMs, fromMs, toMs }: Json): string[][] {
  if (steps === 0) return [['there is no stored history of it to try it on']];
  const days = Math.round((Number(toMs) - Number(fromMs)) / 86_400_000);
  const span = `in the last ${days} days`;
  const shown = (Array.isArray(times) ? times : []).map((at) => new Date(Number(at)).toISOString());
  const when =
    shown.length === 0 ? '' : `: ${shown.slice(0, 5).join(', ')}${shown.length > 5 ? ', ...' : ''}`;
  const coarse = resolutionMs === null ? '' : ` (in steps of ${Number(resolutionMs) / 1000} s)`;
  return [[`would have fired ${Number(count)} times ${span}${coarse}${when}`]];
}

function madeBy(tier: unknown, confidence: unknown): string[][] {
  if (tier !== 'model') return [];
  return [[`a model made it of the sentence, ${Number(confidence)} sure: add the JSON to confirm it`]];
}

function print(text: string): number {
  process.stdout.write(text);
  return EXIT.ok;
}
