import { definitions } from '../devices/index.ts';
import { describeDefinition, type Command, type DeviceDefinition, type Metric } from '../src/device/index.ts';
import { EXIT, chooseModels, parse } from './args.ts';

const HELP = `Lists the models with their metrics and commands.

Usage: npm run sim -- list [models] [--json]

Examples:
  npm run sim -- list
  npm run sim -- list pump,tracker
  npm run sim -- list --json | jq '.[].model'
`;

/** `sim list`; returns the exit code. Throws UsageError. */
export function listCommand(args: string[]): number {
  const parsed = parse(args, { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } });
  if (parsed.flag('help')) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const chosen = chooseModels(parsed.positionals[0], definitions);
  const text = parsed.flag('json')
    ? `${JSON.stringify(chosen.map(describeDefinition), null, 2)}\n`
    : `${chosen.map(describeModel).join('\n\n')}\n`;
  process.stdout.write(text);
  return EXIT.ok;
}

/** A model as indented lines. */
export function describeModel(definition: DeviceDefinition): string {
  const lines = [`${definition.model}  ${definition.description}`];
  for (const metric of definition.metrics) lines.push(`  ${metric.name.padEnd(14)}${describeMetric(metric)}`);
  for (const command of definition.commands) lines.push(`  > ${describeCommand(command)}`);
  return lines.join('\n');
}

function describeMetric(metric: Metric): string {
  const access = metric.access === 'read' ? '' : ` (${metric.access})`;
  switch (metric.kind) {
    case 'numeric':
      return `${range(metric.min, metric.max)}${metric.unit === undefined ? '' : ` ${metric.unit}`}${access}`;
    case 'binary':
      return `true | false${access}`;
    case 'enumeration':
      return `${(metric.values ?? []).join(' | ')}${access}`;
    case 'text':
      return `text${access}`;
  }
}

function describeCommand({ name, argument, description = '' }: Command): string {
  const about = description === '' ? '' : `  ${description}`;
  if (argument === null) return `${name}${about}`;
  switch (argument.kind) {
    case 'enumeration':
      return `${name} ${argument.values.join(' | ')}${about}`;
    case 'numeric':
      return `${name} ${range(argument.min, argument.max)}${argument.unit === undefined ? '' : ` ${argument.unit}`}${about}`;
    case 'binary':
      return `${name} true | false${about}`;
    case 'text':
      return `${name} text${about}`;
  }
}

function range(min: number | undefined, max: number | undefined): string {
  return min === undefined && max === undefined ? 'number' : `${min ?? ''}..${max ?? ''}`;
}
