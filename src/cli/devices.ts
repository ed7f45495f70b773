/** `mooring devices`: the device models with what they measure and take; needs no bridge. */
import { pathToFileURL } from 'node:url';
import { BridgeError } from '../base/errors.ts';
import { describeDefinition, type ModelDescription } from '../device/index.ts';
import { loadDevices } from '../shard.ts';
import { EXIT, printJson, type Command, type Invocation } from './command.ts';
import { nearest } from './nearest.ts';
import { configOf, settingOptions } from './settings.ts';
import { textTable } from './text-table.ts';

export const devicesCommands: Readonly<Record<string, Command>> = {
  list: {
    summary: 'the device models',
    usage: '',
    arguments: { min: 0, max: 0 },
    options: settingOptions(['devices']),
    examples: ['mooring devices list', `mooring devices list --json | jq '.[].model'`],
    run: list,
  },
  show: {
    summary: 'one model: its metrics, commands and topics',
    usage: '<model>',
    arguments: { min: 1, max: 1 },
    options: settingOptions(['devices']),
    examples: ['mooring devices show thermostat', 'mooring devices show pump --json'],
    run: show,
  },
};

type Metric = ModelDescription['metrics'][number];
type Argument = ModelDescription['commands'][number]['argument'];

async function list(invocation: Invocation): Promise<number> {
  const models = await loadModels(invocation);
  if (invocation.isJson) return printJson(models);
  const rows = models.map(({ model, metrics, commands, description }) => [
    model,
    metrics.map(({ name }) => name).join(', '),
    commands.map(({ name }) => name).join(', ') || '-',
    description,
  ]);
  process.stdout.write(textTable(['MODEL', 'METRICS', 'COMMANDS', 'DESCRIPTION'], rows));
  return EXIT.ok;
}

async function show(invocation: Invocation): Promise<number> {
  const [name = ''] = invocation.positionals;
  const models = await loadModels(invocation);
  const found = models.find(({ model }) => model === name);
  if (found === undefined) throw unknownModel(name, models);
  if (invocation.isJson) return printJson(found);
  process.stdout.write(describeModel(found));
  return EXIT.ok;
}

async function loadModels(invocation: Invocation): Promise<ModelDescription[]> {
  const { devices } = configOf(invocation);
  const module =
    devices === null
      ? await import('../../devices/index.ts')
      : await loadDevices(pathToFileURL(devices).href);
  return module.definitions.map(describeDefinition);
}

function unknownModel(name: string, models: readonly ModelDescription[]): BridgeError {
  const names = models.map(({ model }) => model);
  const near = nearest(name, names);
  const hint = near === undefined ? '' : `, did you mean ${near}?`;
  return new BridgeError(
    'BRG_UNKNOWN_MODEL',
    `no model ${JSON.stringify(name)}${hint} (models: ${names.join(', ')})`,
  );
}

function describeModel({ model, vendor, description, ...rest }: ModelDescription): string {
  const metrics = rest.metrics.map((metric) => [
    `  ${metric.name}`,
    metricRange(metric),
    metric.access === 'read' ? '' : metric.access,
    [metric.key, metric.cborKey].filter((key) => key !== undefined).join(', '),
    metric.description ?? '',
  ]);
  const commands = rest.commands.map(({ name, argument, description: about }) => [
    `  ${name}`,
    argumentRange(argument),
    about ?? '',
  ]);
  return [
    `${model}  ${description} (${vendor})\n`,
    textTable(['metrics', 'range', 'access', 'short keys', ''], metrics),
    commands.length === 0 ? 'no commands\n' : textTable(['commands', 'argument', ''], commands),
    `telemetry topics\n${rest.telemetryTopics.map((topic) => `  ${topic}\n`).join('')}`,
    `sample\n  ${JSON.stringify(rest.sample)}\n`,
  ].join('\n');
}

function metricRange({ kind, min, max, unit, values }: Metric): string {
  if (kind === 'enumeration') return (values ?? []).join(' | ');
  if (kind === 'binary') return 'true | false';
  if (kind === 'text') return 'text';
  return numericRange(min, max, unit);
}

function argumentRange(argument: Argument): string {
  if (argument === null) return 'none';
  if (argument.kind === 'enumeration') return argument.values.join(' | ');
  if (argument.kind === 'binary') return 'true | false';
  if (argument.kind === 'text') return 'text';
  return numericRange(argument.min, argument.max, argument.unit);
}

function numericRange(min: number | undefined, max: number | undefined, unit = ''): string {
  const range = min === undefined && max === undefined ? 'number' : `${min ?? ''}..${max ?? ''}`;
  return `${range} ${unit}`.trimEnd();
}
