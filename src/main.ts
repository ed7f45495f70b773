/**
 * Entry of the command line. Imports nothing before the version is checked: the native modules are built
 * for Node 24 and end an older process with a crash instead of a message. `bin/mooring` and the npm
 * scripts find the Node that npm installed.
 */
const NODE_MAJOR_MIN = 24;

const isRecentEnough = Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN;

if (isRecentEnough) {
  const { enableFastStart } = await import('./fast-start.ts');
  enableFastStart();
  const { runCli } = await import('./cli.ts');
  const exitCode = await runCli(process.argv.slice(2));
  // A handle somebody left open must not keep the process; what was written goes out first.
  process.stdout.write('', () => process.exit(exitCode));
} else {
  refuse();
}

function refuse(): void {
  process.stderr.write(
    `mooring: Node ${NODE_MAJOR_MIN} or newer is needed, this is ${process.version}: ` +
      'run `npm ci`, which installs it with the project, then `npm start`\n',
  );
  process.exitCode = 1;
}
