/** What every command of the command line is made of: options, help, failures, exit codes. */
import { parseArgs } from 'node:util';
import { nearest } from './nearest.ts';

/** Exit codes of the contract. */
export const EXIT = { ok: 0, failed: 1, usage: 2, cannotConnect: 3 } as const;

export interface Option {
  readonly type: 'string' | 'boolean';
  /** Placeholder of the value in the help, e.g. `<url>`. */
  readonly value?: string;
  readonly meaning: string;
}

/** A command as the user sees it. */
export interface Command {
  /** After `mooring`, e.g. `agent send <model>/<id> <command> [argument]`; a line each. */
  readonly usage: readonly string[];
  readonly description: string;
  readonly options: Readonly<Record<string, Option>>;
  /** What stands in the help between the options and the examples. */
  readonly details?: string;
  readonly examples: readonly string[];
  /** Resolves to the exit code. */
  run(invocation: Invocation): Promise<number>;
}

/** What the user typed after the command's name, checked against its options. */
export interface Invocation {
  readonly values: Readonly<Record<string, string | undefined>>;
  readonly positionals: readonly string[];
  /** `--json`: results and errors for machines. */
  readonly isJson: boolean;
}

/** The user has typed something we do not understand: exit code 2. */
export class UsageError extends Error {}

/** No bridge answers: exit code 3. */
export class ConnectError extends Error {}

/** Options every command has. */
const COMMON: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', meaning: 'results and errors as JSON' },
  help: { type: 'boolean', meaning: 'this text' },
};

/** Whether the user asks for help instead of running the command. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? undefined : end).some((arg) => arg === '--help' || arg === '-h');
}

/** Reads the arguments of one command. @throws UsageError naming the argument and what is allowed. */
export function readArguments(name: string, command: Command, args: readonly string[]): Invocation {
  const options = { ...COMMON, ...command.options };
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(Object.entries(options).map(([key, { type }]) => [key, { type }])),
    // The checks below say more than those of Node do.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, string> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined) throw unknownOption(name, token.rawName, Object.keys(options));
    values[token.name] = valueOf(token.rawName, option, token.value, token.inlineValue === true);
  }
  return { values, positionals, isJson: values['json'] !== undefined };
}

function valueOf(rawName: string, option: Option, value: string | undefined, isInline: boolean): string {
  if (option.type === 'boolean') {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
    return 'true';
  }
  if (value === undefined || (value.startsWith('--') && !isInline)) {
    throw new UsageError(`${rawName} needs a value: ${rawName} ${option.value ?? '<value>'}`);
  }
  return value;
}

function unknownOption(name: string, rawName: string, known: readonly string[]): UsageError {
  if (/^-\d/.test(rawName)) {
    return new UsageError(`${rawName} is taken for an option; put -- before an argument that begins with -`);
  }
  const near = nearest(rawName.replace(/^-+/, ''), known);
  const hint = near === undefined ? '' : `, did you mean --${near}?`;
  return new UsageError(`unknown option ${rawName}${hint || ','} see \`mooring ${name} --help\``);
}

/** The text of `mooring <name> --help`. */
export function helpText(name: string, command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON }).map(([key, { value, meaning }]) => [
    `--${key}${value === undefined ? '' : ` ${value}`}`,
    meaning,
  ]);
  const width = Math.max(...options.map(([left = '']) => left.length));
  const sections = [
    command.description,
    ['Usage:', ...command.usage.map((line) => `  mooring ${line}`)].join('\n'),
    ['Options:', ...options.map(([left = '', right = '']) => `  ${left.padEnd(width)}  ${right}`)].join('\n'),
    ...(command.details === undefined ? [] : [command.details]),
    ['Examples:', ...command.examples.map((line) => `  ${line}`)].join('\n'),
    `Exit codes: 0 ok, 1 failed, 2 usage, 3 cannot connect.`,
  ];
  return `mooring ${name}\n\n${sections.join('\n\n')}\n`;
}
