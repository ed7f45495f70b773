/** JSON Schemas of what a device can be told, from its definition: a model can hardly ask for what it would refuse. */
import type { Command, CommandArgument, Metric } from '../../device/index.ts';
import type { JsonSchema } from '../../tools/index.ts';

type ObjectSchema = Exclude<JsonSchema, boolean>;
type ValueSpec = Pick<Metric, 'unit' | 'min' | 'max' | 'precision' | 'values' | 'bytesMax'> & {
  readonly kind: Metric['kind'];
};

/** Schema of a metric's value, or of a command's argument. */
export function valueSchema(spec: ValueSpec | CommandArgument): ObjectSchema {
  switch (spec.kind) {
    case 'numeric': {
      const { min, max, unit } = spec;
      return {
        type: 'number',
        ...(min === undefined ? {} : { minimum: min }),
        ...(max === undefined ? {} : { maximum: max }),
        ...(unit === undefined ? {} : { description: unit }),
      };
    }
    case 'binary':
      return { type: 'boolean' };
    case 'enumeration':
      return { type: 'string', enum: [...(spec.values ?? [])] };
    case 'text':
      return { type: 'string', maxLength: spec.bytesMax ?? 0 };
  }
}

/** Properties of a tool that sends any of these commands. `value` is left out when none takes one. */
export function commandProperties(commands: readonly Command[]): {
  readonly command: JsonSchema;
  readonly value?: JsonSchema;
} {
  const values = new Map<string, ObjectSchema>();
  for (const { argument } of commands) {
    if (argument === null) continue;
    const schema = valueSchema(argument);
    values.set(JSON.stringify(schema), schema);
  }
  const [first, ...others] = values.values();
  const command: ObjectSchema = { type: 'string', enum: commands.map(({ name }) => name) };
  if (first === undefined) return { command };
  return { command, value: others.length === 0 ? first : { anyOf: [first, ...others] } };
}

/** One line for each command: `vent (open | closed): opens or closes the roof vent`. */
export function describeCommands(commands: readonly Command[]): string {
  return commands
    .map(({ name, argument, description }) => {
      const takes = argument === null ? '' : ` (${describeArgument(argument)})`;
      return `${name}${takes}${description === undefined ? '' : `: ${description}`}`;
    })
    .join('; ');
}

function describeArgument(argument: CommandArgument): string {
  switch (argument.kind) {
    case 'numeric':
      return `${argument.min}..${argument.max}${argument.unit === undefined ? '' : ` ${argument.unit}`}`;
    case 'enumeration':
      return argument.values.join(' | ');
    case 'binary':
      return 'true | false';
    case 'text':
      return 'text';
  }
}
