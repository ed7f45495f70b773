/** The bridge's settings as options of a command. */
import { describeSettings } from '../config.ts';
import { UsageError, type Option } from './command.ts';
import { textTable } from './text-table.ts';

/** One option a setting. */
export function settingOptions(): Record<string, Option> {
  return Object.fromEntries(
    describeSettings().map(({ flag, meaning }) => [flag.slice(2), { type: 'string', value: '<value>', meaning }]),
  );
}

/** By the names of the configuration (`mqtt-port` -> `mqttPort`). @throws UsageError for stray arguments */
export function settingValues(
  values: Readonly<Record<string, string | undefined>>,
  positionals: readonly string[],
): Record<string, string | undefined> {
  if (positionals.length > 0) throw new UsageError(`unexpected argument ${JSON.stringify(positionals[0])}`);
  return Object.fromEntries(
    describeSettings().map(({ flag }) => {
      const name = flag.slice(2);
      return [name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()), values[name]];
    }),
  );
}

/** Flag, variable and default of each setting. */
export function settingsTable(): string {
  const rows = describeSettings().map(({ flag, environment, standard }) => [flag, environment, standard]);
  return (
    'Settings come from flags, then MOORING_* variables, then mooring.config.json in the working directory\n' +
    '({"mqttPort": 1884}); unknown ones are refused:\n' +
    textTable(['flag', 'variable', 'default'], rows, { indent: 2 })
  );
}
