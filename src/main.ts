/**
 * Entry of the command line. Imports nothing but Node's own modules before the version is checked: the
 * native modules are built for Node 24 and end an older process with a crash instead of a message.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR_MIN = 24;
/** Set for the second try, so that a wrong node_modules/.bin/node cannot start itself for ever. */
const RETRIED = 'MOORING_INTERNAL_RETRIED';

const isRecentEnough = Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN;
const wasRetried = process.env[RETRIED] !== undefined;
delete process.env[RETRIED];

if (isRecentEnough) {
  const { enableFastStart } = await import('./fast-start.ts');
  enableFastStart();
  const { runCli } = await import('./cli.ts');
  const exitCode = await runCli(process.argv.slice(2));
  // A handle somebody left open must not keep the process; what was written goes out first.
  process.stdout.write('', () => process.exit(exitCode));
} else {
  const node = wasRetried ? undefined : installedNode();
  if (node === undefined) refuse();
  else runWith(node);
}

/** The Node 24 that `npm ci` installs with the project. */
function installedNode(): string | undefined {
  const up = import.meta.url.endsWith('.ts') ? '..' : '../..';
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const path = fileURLToPath(new URL(`${up}/node_modules/.bin/${name}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}

function refuse(): void {
  process.stderr.write(
    `mooring: Node ${NODE_MAJOR_MIN} or newer is needed, this is ${process.version}: ` +
      'run `npm ci`, which installs it with the project, then `npm start`\n',
  );
  process.exitCode = 1;
}

function runWith(node: string): void {
  const child = spawn(node, process.argv.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, [RETRIED]: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.on('error', refuse);
  child.on('exit', (code, signal) =>
    process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
  );
}
