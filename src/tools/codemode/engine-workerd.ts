/**
 * The first choice: workerd, one process for each program, started ahead. See docs/adr/0012. A process is configured
 * with our worker only; the program's text reaches it over the socket in its private directory and is compiled through
 * the `unsafeEval` binding after the prelude has emptied the realm. It has no other binding, no outbound network and
 * no environment; the process is killed after its one program.
 */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs';
import { access, constants, mkdtemp, rm as remove, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { limits } from '../../base/limits.ts';
import { guestSource } from './guest-source.ts';
import { probeLauncher, type Launcher } from './launcher.ts';
import { firstLine, SandboxProcess, startWithin } from './sandbox-process.ts';
import type { Engine, Sandbox } from './sandbox.ts';

/** Before the date that turns Node's modules on; flags: bindings cannot be imported by a program. */
const COMPATIBILITY = 'compatibilityDate = "2025-06-01", compatibilityFlags = ["disallow_importable_env"]';
const SOCKET = 'run.sock';
/** Unlike text, a string of Cap'n Proto has no line breaks. */
const quote = (text: string): string => JSON.stringify(text);

/** The engine, or why it cannot be used here. Never rejects. */
export async function openWorkerd(directory = tmpdir()): Promise<Engine | { readonly unavailable: string }> {
  try {
    const binary = await findBinary();
    const [version, launcher, config] = await Promise.all([
      readVersion(binary),
      probeLauncher(),
      compileConfig(binary, directory),
    ]);
    return {
      name: 'workerd',
      version,
      isolation: launcher.isolation,
      start: () => startSandbox(binary, launcher, config, directory),
    };
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) };
  }
}

/** The platform's package holds the binary itself; no install script is needed. */
async function findBinary(): Promise<string> {
  const name = `@cloudflare/workerd-${process.platform}-${process.arch === 'x64' ? '64' : process.arch}/bin/workerd`;
  const binary = createRequire(import.meta.url).resolve(name);
  await access(binary, constants.X_OK);
  return binary;
}

async function readVersion(binary: string): Promise<string> {
  const text = await output(binary, ['--version']);
  return /\d{4}-\d{2}-\d{2}/.exec(text.toString())?.[0] ?? text.toString().trim().slice(0, 40);
}

/** The configuration as the bytes every process gets; nothing in it depends on a run. */
async function compileConfig(binary: string, parent: string): Promise<Buffer> {
  const module = (name: string, text: string): string => `(name = ${quote(name)}, esModule = ${quote(text)})`;
  const text = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "guest", worker = .guest), (name = "nothing", network = (allow = [], deny = ["0.0.0.0/0", "::/0"]))],
  sockets = [(name = "run", address = ${quote(`unix:${SOCKET}`)}, http = (), service = "guest")],
);
const guest :Workerd.Worker = (
  modules = [${module('main.js', guestSource('workerd-main'))}, ${module('prelude.js', guestSource('prelude'))}, ${module('realm.js', guestSource('realm'))}],
  bindings = [(name = "compiler", unsafeEval = void)], globalOutbound = "nothing", ${COMPATIBILITY},
);
`;
  const directory = await mkdtemp(join(parent, 'mooring-config-'));
  try {
    await writeFile(join(directory, 'config.capnp'), text);
    return await output(binary, ['compile', '--config-only', join(directory, 'config.capnp')]);
  } finally {
    await remove(directory, { recursive: true, force: true });
  }
}

function output(binary: string, args: readonly string[]): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = {
      timeout: limits.sandboxStartMs,
      env: {},
      encoding: 'buffer',
      maxBuffer: 1024 * 1024,
    } as const;
    execFile(binary, args, options, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
  });
}

async function startSandbox(
  binary: string,
  launcher: Launcher,
  config: Buffer,
  parent: string,
): Promise<Sandbox> {
  const directory = await mkdtemp(join(parent, 'mooring-run-')); // mode 0700
  const [command, args] = launcher.wrap(
    binary,
    ['serve', '--experimental', '--binary', '-', '--control-fd=3'],
    {
      cpuSeconds: limits.programCpuMaxMs / 1000,
      dataBytes: limits.workerdReservedBytes + limits.programMemoryMaxBytes,
    },
  );
  // At once when it is connected: nobody else shall connect, and nothing is left when the bridge is killed.
  const cleanUp = (): void => rm(directory, { recursive: true, force: true }, () => undefined);
  const sandbox = new SandboxProcess({ command, args, directory, environment: {}, cleanUp });
  return startWithin(
    sandbox,
    limits.sandboxStartMs,
    becomeReady(sandbox, config, join(directory, SOCKET)).finally(cleanUp),
  );
}

async function becomeReady(sandbox: SandboxProcess, config: Buffer, socketPath: string): Promise<Sandbox> {
  const [input, , , control] = sandbox.child.stdio;
  sandbox.child.stdout?.resume();
  input?.end(config);
  if (control == null || !('read' in control)) throw new Error('it has no control pipe');
  await firstLine(control); // it listens
  // One request for the life of the sandbox: its body goes in, its response comes out.
  const channel = request({ socketPath, method: 'POST', path: '/', agent: false });
  channel.flushHeaders();
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    channel.once('response', resolve).on('error', reject);
  });
  sandbox.connect(response, channel);
  await firstLine(response);
  void finished(response).catch(() => undefined); // the sandbox reports its end itself
  return sandbox;
}
