/** The command line: finds the command, runs it, and turns failures into one line and an exit code. */
import { readFileSync } from 'node:fs';
import { parseAddress } from './base/address.ts';
import { BridgeError } from './base/errors.ts';
import { ConnectError, RefusedError } from './cli/bridge-client.ts';
import {
  asksForHelp,
  EXIT,
  helpText,
  readArguments,
  UsageError,
  wordIndex,
  type Command,
} from './cli/command.ts';
import { nearest } from './cli/nearest.ts';

/** A word after `mooring`: a command, or a group of commands whose `list` is meant when none is named. */
type Entry = { readonly summary: string } & (
  | { readonly kind: 'command'; readonly load: () => Promise<Command> }
  | { readonly kind: 'group'; readonly load: () => Promise<Readonly<Record<string, Command>>> }
);

/** Each loads itself: `mooring devices` has no use for a broker. */
const ENTRIES: Readonly<Record<string, Entry>> = {
  serve: {
    kind: 'command',
    summary: 'run the bridge',
    load: async () => (await import('./cli/serve.ts')).serveCommand,
  },
  devices: {
    kind: 'group',
    summary: 'the device models: list, show',
    load: async () => (await import('./cli/devices.ts')).devicesCommands,
  },
  agent: {
    kind: 'group',
    summary:
      'agents of a running bridge: list, show, history, rejected, commands, send, rules, mcp, hibernate, export, import, forget',
    load: async () => (await import('./cli/agent.ts')).agentCommands,
  },
  ask: {
    kind: 'command',
    summary: 'ask a device, or the fleet, something in words',
    load: async () => (await import('./cli/ask.ts')).askCommand,
  },
  approvals: {
    kind: 'group',
    summary: 'what agents want to do and wait for a person: list, show, approve, deny',
    load: async () => (await import('./cli/approvals.ts')).approvalsCommands,
  },
  audit: {
    kind: 'command',
    summary: 'who sent commands or deleted agents, and what became of it; verify: records of programs',
    load: async () => (await import('./cli/audit.ts')).auditCommand,
  },
  user: {
    kind: 'group',
    summary: 'who may connect over MQTT, and log in: list, add, password, scopes, remove',
    load: async () => (await import('./cli/users.ts')).userCommands,
  },
  token: {
    kind: 'group',
    summary: 'secrets of devices, claim tokens for new ones, tokens for HTTP: list, create, revoke',
    load: async () => (await import('./cli/tokens.ts')).tokenCommands,
  },
  acl: {
    kind: 'group',
    summary: 'what they may publish and subscribe to: list, allow, remove, explain',
    load: async () => (await import('./cli/acl.ts')).aclCommands,
  },
  backup: {
    kind: 'command',
    summary: 'copy everything of a running bridge, or list such copies',
    load: async () => (await import('./cli/backup.ts')).backupCommand,
  },
  restore: {
    kind: 'command',
    summary: 'put a backup into a data directory',
    load: async () => (await import('./cli/backup.ts')).restoreCommand,
  },
  reshard: {
    kind: 'command',
    summary: 'move the agents of a data directory to another number of shards',
    load: async () => (await import('./cli/reshard.ts')).reshardCommand,
  },
  doctor: {
    kind: 'command',
    summary: 'check this machine and say how to fix what is wrong',
    load: async () => (await import('./cli/doctor.ts')).doctorCommand,
  },
};

/** Runs one command line and resolves to the exit code. Never rejects. */
export async function runCli(args: readonly string[]): Promise<number> {
  // `mooring devices | head -1` closes our stdout: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  try {
    return await dispatch(args);
  } catch (error) {
    return report(error, args.includes('--json'));
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined) {
    process.stderr.write(overview());
    return EXIT.usage;
  }
  if (first === 'help') return dispatch([...rest, '--help']);
  if (first === '--help' || first === '-h') return print(overview());
  if (first === '--version' || first === '-v') return print(`${version()}\n`);
  const entry = Object.hasOwn(ENTRIES, first) ? ENTRIES[first] : undefined;
  if (entry === undefined) throw unknownWord('command', first, Object.keys(ENTRIES));
  if (entry.kind === 'command') return runCommand(first, await entry.load(), rest);
  const commands = await entry.load();
  const [second] = rest;
  if (second === '--help' || second === '-h') return print(groupHelp(first, entry.summary, commands));
  if (second === undefined || second.startsWith('-')) return runNamed(first, 'list', commands, rest);
  return runNamed(first, second, commands, rest.slice(1));
}

function runNamed(
  group: string,
  name: string,
  commands: Readonly<Record<string, Command>>,
  args: readonly string[],
): Promise<number> {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return runCommand(`${group} ${name}`, command, args);
  if (group === 'agent' && parseAddress(name) !== undefined) {
    throw new UsageError(`what about ${name}? Did you mean: mooring agent show ${name}`);
  }
  throw unknownWord(`command of ${group}`, name, Object.keys(commands));
}

async function runCommand(name: string, command: Command, args: readonly string[]): Promise<number> {
  const at = wordIndex(command, args);
  const word = at < 0 ? '' : (args[at] ?? '');
  const other = command.words?.[word];
  if (other !== undefined) return runCommand(`${name} ${word}`, other, args.toSpliced(at, 1));
  if (asksForHelp(args)) return print(helpText(name, command));
  return command.run(readArguments(name, command, args));
}

function overview(): string {
  return `Mooring gives every MQTT device a durable agent.

Usage: mooring <command> [options]

${wordList(ENTRIES)}
mooring help <command>, or <command> --help, shows its options and examples; --version the version.
Exit codes: 0 ok, 1 failed, 2 usage, 3 cannot connect.
`;
}

function groupHelp(name: string, summary: string, commands: Readonly<Record<string, Command>>): string {
  return `mooring ${name}: ${summary}

Usage: mooring ${name} [command] [options]      without a command: list

${wordList(commands)}
mooring ${name} <command> --help shows its options and examples.
Exit codes: 0 ok, 1 failed, 2 usage, 3 cannot connect.
`;
}

function wordList(words: Readonly<Record<string, { readonly summary: string }>>): string {
  const width = Math.max(...Object.keys(words).map((word) => word.length));
  return Object.entries(words)
    .map(([word, { summary }]) => `  ${word.padEnd(width)}  ${summary}\n`)
    .join('');
}

function unknownWord(what: string, word: string, known: readonly string[]): UsageError {
  if (word.startsWith('-')) {
    return new UsageError(`unknown option ${word}; the command comes first, e.g. mooring serve ${word}`);
  }
  const near = nearest(word, known);
  const hint = near === undefined ? '' : `, did you mean ${near}?`;
  return new UsageError(`unknown ${what} ${JSON.stringify(word)}${hint} (there are: ${known.join(', ')})`);
}

function version(): string {
  const path = import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json';
  const manifest = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string }; // ours
  return manifest.version;
}

function print(text: string): number {
  process.stdout.write(text);
  return EXIT.ok;
}

/** One line to stderr; a stack only for what is our own fault. Returns the exit code. */
function report(error: unknown, isJson: boolean): number {
  const { code, exitCode } = classify(error);
  const message = error instanceof Error ? error.message : String(error);
  if (isJson) {
    process.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`);
  } else if (code === 'BRG_INTERNAL') {
    const origin = error instanceof BridgeError && error.cause instanceof Error ? error.cause : error;
    process.stderr.write(`mooring: ${origin instanceof Error ? (origin.stack ?? message) : message}\n`);
  } else {
    const suffix = code.startsWith('BRG_') ? ` (${code})` : '';
    process.stderr.write(`mooring: ${message.replaceAll('\n', ' ')}${suffix}\n`);
  }
  return exitCode;
}

function classify(error: unknown): { code: string; exitCode: number } {
  if (error instanceof UsageError) return { code: 'usage', exitCode: EXIT.usage };
  if (error instanceof ConnectError) return { code: 'cannot-connect', exitCode: EXIT.cannotConnect };
  if (error instanceof BridgeError || error instanceof RefusedError)
    return { code: error.code, exitCode: EXIT.failed };
  return { code: 'BRG_INTERNAL', exitCode: EXIT.failed };
}
