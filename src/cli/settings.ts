/** The bridge's settings as options of a command. */
import { describeSettings, loadConfig, type Config } from '../config.ts';
import type { Invocation, Option } from './command.ts';

export const SETTINGS_HELP =
  'Settings come from flags, then from MOORING_* variables, then from mooring.config.json in the working\n' +
  'directory, e.g. {"mqttPort": 1884}. Unknown settings and bad values are refused.';

/** One option a setting; of all, or of those named as flags without `--`. */
export function settingOptions(names?: readonly string[]): Record<string, Option> {
  const options = describeSettings().map(({ flag, environment, standard, meaning }): [string, Option] => [
    flag.slice(2),
    {
      type: 'string',
      value: '<value>',
      meaning,
      note: `${environment}, default: ${standard === 'null' ? 'none' : standard}`,
    },
  ]);
  return Object.fromEntries(options.filter(([name]) => names?.includes(name) ?? true));
}

/**
 * The settings for this command line, environment and working directory.
 * @param implied settings that win over all but flags
 * @throws BridgeError BRG_CONFIG
 */
export function configOf({ values }: Invocation, implied: Readonly<Record<string, string>> = {}): Config {
  const given = Object.keys(settingOptions())
    .filter((name) => values[name] !== undefined)
    .map((name) => [keyOf(name), values[name]]);
  const flags: Record<string, string> = { ...implied, ...Object.fromEntries(given) };
  return loadConfig({ flags, environment: process.env, directory: process.cwd() });
}

/** `mqtt-port` -> `mqttPort` */
function keyOf(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
