/** The command line: finds the command, runs it, and turns failures into one line and an exit code. */
import { readFileSync } from 'node:fs';
import { BridgeError } from './base/errors.ts';
import {
  asksForHelp,
  ConnectError,
  EXIT,
  helpText,
  readArguments,
  UsageError,
  type Command,
} from './cli/command.ts';
import { nearest } from './cli/nearest.ts';

interface Entry {
  readonly summary: string;
  /** Loads it: `mooring devices` need not load a broker. */
  readonly load: () => Promise<Command>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  serve: {
    summary: 'run the bridge',
    load: async () => (await import('./cli/serve.ts')).serveCommand,
  },
};

/** Runs one command line and resolves to the exit code. Never rejects. */
export async function runCli(args: readonly string[]): Promise<number> {
  // `mooring devices | head -3` closes our stdout: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    return await dispatch(args);
  } catch (error) {
    return report(error, args.includes('--json'));
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined || first === '--help' || first === '-h' || (first === 'help' && rest.length === 0)) {
    (first === undefined ? process.stderr : process.stdout).write(overview());
    return first === undefined ? EXIT.usage : EXIT.ok;
  }
  if (first === '--version' || first === '-v') {
    process.stdout.write(`${version()}\n`);
    return EXIT.ok;
  }
  const isHelp = first === 'help';
  const name = isHelp ? (rest[0] ?? '') : first;
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) throw unknownCommand(name);
  const command = await entry.load();
  if (isHelp || asksForHelp(rest)) {
    process.stdout.write(helpText(name, command));
    return EXIT.ok;
  }
  return command.run(readArguments(name, command, rest));
}

function overview(): string {
  const names = Object.keys(COMMANDS);
  const width = Math.max(...names.map((name) => name.length));
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Mooring gives every MQTT device a durable agent.

Usage: mooring <command> [options]

${lines.join('\n')}

mooring <command> --help shows its options and examples; mooring --version the version.
Exit codes: 0 ok, 1 failed, 2 usage, 3 cannot connect.
`;
}

function unknownCommand(name: string): UsageError {
  if (name.startsWith('-')) return new UsageError(`unknown option ${name}; the command comes first: mooring serve ${name}`);
  const near = nearest(name, Object.keys(COMMANDS));
  const hint = near === undefined ? '' : `, did you mean ${near}?`;
  return new UsageError(`unknown command ${JSON.stringify(name)}${hint} (commands: ${Object.keys(COMMANDS).join(', ')})`);
}

function version(): string {
  const path = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  const manifest = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string }; // ours
  return manifest.version;
}

/** One line to stderr. A stack only for what is our own fault. */
function report(error: unknown, isJson: boolean): number {
  const { code, exitCode } = classify(error);
  const message = error instanceof Error ? error.message : String(error);
  if (isJson) {
    process.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`);
  } else if (code === 'BRG_INTERNAL') {
    const cause = error instanceof BridgeError && error.cause instanceof Error ? error.cause : error;
    process.stderr.write(`mooring: ${cause instanceof Error ? (cause.stack ?? message) : message}\n`);
  } else {
    process.stderr.write(`mooring: ${message.replaceAll('\n', ' ')}\n`);
  }
  return exitCode;
}

function classify(error: unknown): { code: string; exitCode: number } {
  if (error instanceof UsageError) return { code: 'usage', exitCode: EXIT.usage };
  if (error instanceof ConnectError) return { code: 'cannot-connect', exitCode: EXIT.cannotConnect };
  if (error instanceof BridgeError) return { code: error.code, exitCode: EXIT.failed };
  return { code: 'BRG_INTERNAL', exitCode: EXIT.failed };
}
