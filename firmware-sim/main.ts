#!/usr/bin/env node
/** `npm run sim -- <subcommand>`: the device simulator. */
import { EXIT, UsageError } from './args.ts';
import { deviceCommand } from './interactive.ts';
import { listCommand } from './list.ts';
import { runCommand } from './run.ts';

const HELP = `Simulates devices that behave like firmware: presence, telemetry, commands, desired state,
reconnects with backoff, and an outbox while they are offline.

Usage: npm run sim -- <subcommand> [options]

  run      many devices, counted together
  device   one device, with a prompt
  list     models, their metrics and commands

npm run sim -- <subcommand> --help shows its options and examples.
Exit codes: 0 ok, 1 failed, 2 usage, 3 cannot connect, 130 interrupted.
`;

const SUBCOMMANDS: Record<string, (args: string[]) => number | Promise<number>> = {
  run: runCommand,
  device: deviceCommand,
  list: listCommand,
};

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(HELP);
    return name === undefined ? EXIT.usage : EXIT.ok;
  }
  const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  if (subcommand === undefined) throw new UsageError(`no subcommand '${name}'; there are run, device, list`);
  return subcommand(rest);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`sim: ${error.message}\n`);
  process.exitCode = EXIT.usage;
}
