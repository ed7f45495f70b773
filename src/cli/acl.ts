/** `mooring acl`: what identities may publish and subscribe to besides what their role lets them. */
import { isFilter, ruleFor, rulesOf, type Action } from '../identity/index.ts';
import type { GrantRow, IdentityStore } from '../store/index.ts';
import { EXIT, printJson, UsageError, type Command, type Invocation } from './command.ts';
import { checkedName, DATA_DIR_OPTION, knownRow, withIdentities } from './identity-file.ts';
import { textTable } from './text-table.ts';

const EVERYBODY = '*';
const ACTIONS = ['publish', 'subscribe'] as const;

const GRANT = {
  usage: '<name|*> <publish|subscribe|both> <filter>',
  arguments: { min: 3, max: 3 },
  options: DATA_DIR_OPTION,
} as const;

export const aclCommands: Readonly<Record<string, Command>> = {
  list: {
    summary: 'what was granted, to whom',
    usage: '',
    arguments: { min: 0, max: 0 },
    options: DATA_DIR_OPTION,
    examples: ['mooring acl', 'mooring acl list --json'],
    run: list,
  },
  allow: {
    summary: 'let somebody, or everybody (*), use topics',
    ...GRANT,
    details:
      'Everything is denied that no rule allows: a device speaks for itself, an admin may everything, a user nothing.\n' +
      'In a filter {model} and {id} stand for a device, {user} for a name. Open connections of who is meant end.',
    examples: [
      "mooring acl allow grafana subscribe 'devices/+/+/telemetry'",
      "mooring acl allow '*' both 'chat/{user}/#'",
      "mooring acl allow gateway/hall-1 publish 'devices/greenhouse/+/telemetry'",
    ],
    run: changing('allow'),
  },
  remove: {
    summary: 'take back what was allowed',
    ...GRANT,
    examples: ["mooring acl remove grafana subscribe 'devices/+/+/telemetry'"],
    run: changing('remove'),
  },
  explain: {
    summary: 'whether somebody may, and which rule says so',
    usage: '<name> <publish|subscribe> <topic or filter>',
    arguments: { min: 3, max: 3 },
    options: DATA_DIR_OPTION,
    details: 'Exits 0 when it is allowed, 1 when it is denied.',
    examples: ['mooring acl explain pump/p1 publish devices/pump/p2/telemetry'],
    run: explain,
  },
};

function list(invocation: Invocation): Promise<number> {
  return withIdentities(invocation, (store) => {
    const items = store.allGrants();
    if (invocation.isJson) return printJson({ items });
    const rows = items.map(({ name, action, filter }) => [name, action, filter]);
    process.stdout.write(
      rows.length === 0 ? 'nothing was granted\n' : textTable(['NAME', 'ACTION', 'FILTER'], rows),
    );
    return EXIT.ok;
  });
}

function changing(change: 'allow' | 'remove'): Command['run'] {
  return (invocation) => {
    const [name = '', word = '', filter = ''] = invocation.positionals;
    const actions = word === 'both' ? ACTIONS : [actionOf(word, [...ACTIONS, 'both'])];
    if (!isFilter(filter)) throw new UsageError(`${JSON.stringify(filter)} is no topic filter`);
    return withIdentities(invocation, (store) => {
      if (name !== EVERYBODY && change === 'allow') knownRow(store, name);
      else if (name !== EVERYBODY) checkedName(name);
      for (const action of actions) apply(store, change, { name, action, filter });
      if (invocation.isJson) return printJson({ name, actions, filter });
      const verb = change === 'allow' ? 'may' : 'may no more';
      process.stdout.write(`${name} ${verb} ${actions.join(' and ')} ${filter}\n`);
      return EXIT.ok;
    });
  };
}

function apply(store: IdentityStore, change: 'allow' | 'remove', grant: GrantRow): void {
  if (change === 'allow') store.grant(grant);
  else if (!store.revoke(grant))
    throw new UsageError(
      `${grant.name} was not granted to ${grant.action} ${grant.filter}; see: mooring acl list`,
    );
}

function explain(invocation: Invocation): Promise<number> {
  const [name = '', word = '', filter = ''] = invocation.positionals;
  const action = actionOf(word, ACTIONS);
  return withIdentities(invocation, (store) => {
    const row = knownRow(store, name);
    const rules = rulesOf(row, store.grants([name, EVERYBODY]));
    const rule = ruleFor(rules, action, filter);
    if (invocation.isJson)
      printJson({ name, action, filter, allowed: rule !== undefined, rule: rule ?? null, rules });
    else if (rule !== undefined) process.stdout.write(`allowed: ${rule.filter} (${rule.origin})\n`);
    else {
      const others = rules.filter((one) => one.action === action).map((one) => [one.filter, one.origin]);
      process.stdout.write(
        `denied: no rule covers ${filter}; ${name} may ${action}\n${textTable(null, others)}`,
      );
    }
    return rule === undefined ? EXIT.failed : EXIT.ok;
  });
}

function actionOf(word: string, allowed: readonly string[]): Action {
  if (word === 'publish' || word === 'subscribe') return word;
  throw new UsageError(`${JSON.stringify(word)}? Allowed are ${allowed.join(', ')}`);
}
