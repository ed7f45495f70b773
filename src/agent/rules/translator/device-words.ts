/**
 * A device definition as the model reads it: names with a pointer in front. It is the same text for every
 * sentence to devices of a model and stands first in the prompt, so that the prefix cache shares it.
 */
import type { CommandArgument, DeviceDefinition } from '../../../device/index.ts';
import { unitOfDefinition } from './numbers.ts';

/** What a pointer may name. More than so many are left out: the model never saw more in training. */
export const METRICS_MAX = 12;
export const COMMANDS_MAX = 8;
export const VALUES_MAX = 8;

export interface MetricWords {
  readonly name: string;
  readonly kind: 'numeric' | 'binary' | 'enumeration' | 'text';
  readonly unit?: string;
  readonly values: readonly string[];
  readonly words: readonly string[];
}

export interface CommandWords {
  readonly name: string;
  readonly argument: CommandArgument | null;
  readonly values: readonly string[];
  readonly words: readonly string[];
}

export interface DeviceWords {
  readonly metrics: readonly MetricWords[];
  readonly commands: readonly CommandWords[];
  /** " MA vibration # mm/s MB running ? CA stop ." */
  readonly text: string;
}

/** `prefix` with a letter: pointer("M", 0) is "MA". */
export function pointer(prefix: string, index: number): string {
  return prefix + String.fromCharCode(65 + index);
}

export function indexOf(pointerName: string): number {
  return pointerName.charCodeAt(1) - 65;
}

export function deviceWords(
  definition: Pick<DeviceDefinition, 'model' | 'metrics' | 'commands'>,
): DeviceWords {
  const metrics = definition.metrics
    .filter(({ access }) => access !== 'write')
    .slice(0, METRICS_MAX)
    .map(({ name, kind, unit, values = [] }) => ({
      name,
      kind,
      ...(unit !== undefined && { unit }),
      values: values.slice(0, VALUES_MAX),
      words: wordsOfName(name),
    }));
  const commands = definition.commands.slice(0, COMMANDS_MAX).map(({ name, argument }) => ({
    name,
    argument,
    values: argument?.kind === 'enumeration' ? argument.values.slice(0, VALUES_MAX) : [],
    words: wordsOfName(name),
  }));
  const parts = [
    ...wordsOfName(definition.model),
    ...metrics.flatMap((one, at) => [pointer('M', at), ...one.words, ...kindWords(one)]),
    ...commands.flatMap((one, at) => [pointer('C', at), ...one.words, ...kindOfCommand(one)]),
  ];
  return { metrics, commands, text: parts.map((part) => ` ${part}`).join('') };
}

/** "set-target", "setTarget" and "set_target" are "set target". */
export function wordsOfName(name: string): readonly string[] {
  return name
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

function kindOfCommand({ argument, values }: CommandWords): readonly string[] {
  if (argument === null) return ['.'];
  return kindWords({ kind: argument.kind, unit: 'unit' in argument ? argument.unit : undefined, values });
}

/** What a value of it is: a metric's, or the argument of a command. */
function kindWords({
  kind,
  unit,
  values,
}: Pick<MetricWords, 'kind' | 'values'> & { readonly unit?: string | undefined }): readonly string[] {
  switch (kind) {
    case 'numeric':
      return unit === undefined ? ['#'] : ['#', unitOfDefinition(unit)];
    case 'binary':
      return ['?'];
    case 'enumeration':
      return ['=', ...valueWords(values)];
    case 'text':
      return ['~'];
  }
}

function valueWords(values: readonly string[]): readonly string[] {
  return values.flatMap((value, at) => [pointer('V', at), ...wordsOfName(value)]);
}
