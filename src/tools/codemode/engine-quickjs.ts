/**
 * The portable engine: QuickJS compiled to WebAssembly, in a child process of its own, started ahead and killed after
 * its one program. Memory is bounded by the WebAssembly memory's maximum, time by the host.
 */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { limits } from '../../base/limits.ts';
import { guestSource, preludeScript } from './guest-source.ts';
import { probeLauncher, type Launcher } from './launcher.ts';
import { firstLine, SandboxProcess, startWithin } from './sandbox-process.ts';
import type { Engine, Sandbox } from './sandbox.ts';

/** The engine, or why it cannot be used here. Never rejects. */
export async function openQuickjs(): Promise<Engine | { readonly unavailable: string }> {
  try {
    const launcher = await probeLauncher();
    const packages = quickjsPackages();
    const nodeArguments = argumentsOfNode(packages.folders);
    return {
      name: 'quickjs',
      version: packages.version,
      isolation: [...launcher.isolation, 'no-file-system'],
      start: () => startSandbox(launcher, nodeArguments),
    };
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) };
  }
}

/** The folders the child may read: those of the engine. */
function quickjsPackages(): { version: string; folders: readonly string[] } {
  const { resolve } = createRequire(import.meta.url);
  const main = resolve('quickjs-emscripten');
  const within = createRequire(main);
  const core = within.resolve('quickjs-emscripten-core');
  const variants = dirname(within.resolve('@jitl/quickjs-wasmfile-release-sync'));
  const folders = [dirname(dirname(main)), dirname(dirname(core)), dirname(dirname(variants))];
  const manifest: unknown = JSON.parse(readFileSync(`${dirname(dirname(main))}/package.json`, 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest
      ? String(manifest.version)
      : '';
  return { version, folders };
}

async function startSandbox(launcher: Launcher, nodeArguments: readonly string[]): Promise<Sandbox> {
  const [command, args] = launcher.wrap(process.execPath, nodeArguments, {
    cpuSeconds: limits.programCpuMaxMs / 1000,
  });
  // The engine's packages are found from here.
  const directory = fileURLToPath(new URL('.', import.meta.url));
  const sandbox = new SandboxProcess({
    command,
    args,
    directory,
    environment: { TZ: 'UTC' },
    cleanUp: () => undefined,
  });
  return startWithin(sandbox, limits.sandboxStartMs, becomeReady(sandbox));
}

function argumentsOfNode(folders: readonly string[]): string[] {
  const readable = folders.map((folder) => `--allow-fs-read=${folder}`);
  const hardening = [
    '--permission',
    ...readable,
    '--disallow-code-generation-from-strings',
    `--max-old-space-size=${limits.quickjsHeapMiB}`,
  ];
  const settings = {
    prelude: preludeScript(),
    stackBytes: limits.quickjsStackBytes,
    memoryMaxBytes: limits.programMemoryMaxBytes,
  };
  const text = guestSource('quickjs-main');
  return [...hardening, '--no-warnings', '--input-type=module', '--eval', text, JSON.stringify(settings)];
}

async function becomeReady(sandbox: SandboxProcess): Promise<Sandbox> {
  const { stdin, stdout } = sandbox.child;
  if (stdin === null || stdout === null) throw new Error('it has no pipes');
  sandbox.connect(stdout, stdin);
  await firstLine(stdout);
  return sandbox;
}
