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
  /** A second line of the help. */
  readonly note?: string;
}

/** A command as the user sees it. */
export interface Command {
  readonly summary: string;
  /** What comes after the command's name, e.g. `<model>/<id> [metric]`. */
  readonly usage: string;
  /** How many arguments it takes. */
  readonly arguments: { readonly min: number; readonly max: number };
  readonly options: Readonly<Record<string, Option>>;
  /** What stands in the help between the options and the examples. */
  readonly details?: string;
  readonly examples: readonly string[];
  /** Words in the place of its first argument that make it another command, e.g. `verify` of `audit`. */
  readonly words?: Readonly<Record<string, Command>>;
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

/** Options every command has. */
const COMMON: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', meaning: 'results and errors as JSON' },
  help: { type: 'boolean', meaning: 'this text' },
};

/** Marks an argument such as -5 or -24h, which is a value here and an option to parseArgs. */
const NUMBER_MARK = '\u0000';

/** Whether the user asks for help instead of running the command. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? undefined : end).some((arg) => arg === '--help' || arg === '-h');
}

/** Where the first argument stands if it is one of the command's `words`; -1: it is none. */
export function wordIndex(command: Command, args: readonly string[]): number {
  const { words = {} } = command;
  const all = [command, ...Object.values(words)].map(({ options }) => options);
  const options = Object.assign({ ...COMMON }, ...all) as Readonly<Record<string, Option>>; // tables of options
  const first = tokensOf(args, options).find(({ kind }) => kind === 'positional');
  return first?.kind === 'positional' && Object.hasOwn(words, first.value) ? first.index : -1;
}

/** Reads the arguments of one command. @throws UsageError naming the argument and what is allowed. */
export function readArguments(name: string, command: Command, args: readonly string[]): Invocation {
  const options = { ...COMMON, ...command.options };
  const tokens = tokensOf(args, options);
  const values: Record<string, string> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value.replace(NUMBER_MARK, ''));
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (option === undefined) throw unknownOption(name, token.rawName, Object.keys(options));
    values[token.name] = valueOf(token.rawName, option, token.value, token.inlineValue === true);
  }
  const { min, max } = command.arguments;
  if (positionals.length < min) throw new UsageError(`an argument is missing: ${usageLine(name, command)}`);
  if (positionals.length > max) {
    const extra = JSON.stringify(positionals[max]);
    const words = Object.keys(command.words ?? {}).map((word) => `, mooring ${name} ${word}`);
    throw new UsageError(`${extra} is one argument too many: ${usageLine(name, command)}${words.join('')}`);
  }
  return { values, positionals, isJson: values['json'] !== undefined };
}

function tokensOf(args: readonly string[], options: Readonly<Record<string, Option>>) {
  const { tokens } = parseArgs({
    args: args.map((arg) => (/^-\d/.test(arg) ? NUMBER_MARK + arg : arg)),
    options: Object.fromEntries(Object.entries(options).map(([key, { type }]) => [key, { type }])),
    // The checks of readArguments say more than those of Node do.
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens;
}

function valueOf(rawName: string, option: Option, value: string | undefined, isInline: boolean): string {
  if (option.type === 'boolean') {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
    return 'true';
  }
  if (value === undefined || (value.startsWith('--') && !isInline)) {
    throw new UsageError(`${rawName} needs a value: ${rawName} ${option.value ?? '<value>'}`);
  }
  return value.replace(NUMBER_MARK, '');
}

function unknownOption(name: string, rawName: string, known: readonly string[]): UsageError {
  const near = nearest(rawName.replace(/^-+/, ''), known);
  const hint = near === undefined ? '' : ` did you mean --${near}?`;
  return new UsageError(`unknown option ${rawName};${hint} see: mooring ${name} --help`);
}

function usageLine(name: string, command: Command): string {
  return `mooring ${name} ${command.usage}`.trimEnd();
}

/** A whole number from an option; undefined when it was not given. @throws UsageError */
export function wholeNumber(
  invocation: Invocation,
  name: string,
  { min, max }: { min: number; max: number },
): number | undefined {
  const text = invocation.values[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`--${name} is ${JSON.stringify(text)}; allowed is a whole number ${min}..${max}`);
}

/** Prints a result for machines. @returns the exit code */
export function printJson(value: unknown): number {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  return EXIT.ok;
}

/** The text of `mooring <name> --help`. */
export function helpText(name: string, command: Command): string {
  const options = Object.entries({ ...command.options, ...COMMON }).map(([key, { value, ...option }]) => ({
    left: `--${key}${value === undefined ? '' : ` ${value}`}`,
    ...option,
  }));
  const width = Math.max(...options.map(({ left }) => left.length));
  const words = Object.entries(command.words ?? {}).map(
    ([word, { summary }]) => `  mooring ${name} ${word}: ${summary}`,
  );
  const lines = options.flatMap(({ left, meaning, note }) => [
    `  ${left.padEnd(width)}  ${meaning}`,
    ...(note === undefined ? [] : [`  ${' '.repeat(width)}  ${note}`]),
  ]);
  const sections = [
    `mooring ${name}: ${command.summary}`,
    `Usage: ${usageLine(name, command)} [options]`,
    ...(command.details === undefined ? [] : [command.details]),
    ['Options:', ...lines].join('\n'),
    ...(words.length === 0 ? [] : [['With options of their own:', ...words].join('\n')]),
    ['Examples:', ...command.examples.map((line) => `  ${line}`)].join('\n'),
    `Exit codes: 0 ok, 1 failed, 2 usage, 3 cannot connect.`,
  ];
  return `${sections.join('\n\n')}\n`;
}
