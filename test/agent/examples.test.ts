/** Runs the examples of docs/agents.md and docs/approvals.md: each module in a bridge, its client against it, and compares what that prints. */
import { readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { AgentClient, agentFetch } from '../../src/client/index.ts';
import { startBridge, temporaryDir, type TestBridge } from '../support/bridge.ts';
import { devicesFile } from '../support/devices-file.ts';

const page = ['agents', 'approvals']
  .map((name) => readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8'))
  .join('\n');
const root = fileURLToPath(new URL('../../', import.meta.url));
const blocks = [...page.matchAll(/^```ts (runnable|client)\n(.*?)^```$/gms)].map(
  ([, kind = '', code = '']) => ({ kind, code }),
);
const examples = blocks.flatMap(({ kind, code }, at) => {
  if (kind !== 'runnable') return [];
  const model = /(?:model: '|agents = \{ )([a-z-]+)/.exec(code)?.[1] ?? '';
  return [{ model, devices: code, client: blocks[at + 1] }];
});

/** Runs a client with its imports as parameters; resolves to what it printed. */
async function run(code: string, { bridge }: TestBridge): Promise<string[]> {
  const printed: string[] = [];
  const console = { log: (...values: unknown[]) => void printed.push(values.map(String).join(' ')) };
  const here = code
    .replaceAll(/^import .*$/gm, '')
    .replaceAll('127.0.0.1:8080', `${bridge.http.host}:${bridge.http.port}`)
    .replaceAll('127.0.0.1:1883', `${bridge.mqtt.host}:${bridge.mqtt.port}`);
  const body = stripTypeScriptTypes(`async () => {${here}}`);
  const names = ['AgentClient', 'agentFetch', 'connectAsync', 'console'];
  // An example is code of this repository.
  const example = new Function(...names, `return ${body}`) as (...values: unknown[]) => () => Promise<void>;
  await example(AgentClient, agentFetch, connectAsync, console)();
  return printed;
}

/** The comments behind `console.log`, in order of their lines. */
function promised(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, comment = '']) => comment);
}

test('each example has its client', () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
  expect(examples.map(({ client }) => client?.kind)).toEqual(examples.map(() => 'client'));
});

test.each(examples)(
  '$model: the agent loads, and its client prints what it says',
  async ({ devices, client }) => {
    const code = client?.code ?? '';
    const zod = import.meta.resolve('zod'); // the file lies outside of this project
    const path = devicesFile(devices.replaceAll(`from 'zod'`, `from '${zod}'`));
    const bridge = await startBridge({ devices: path, shards: 1, mcpAllow: ['loopback'] });
    const printed = await run(code, bridge);
    expect(printed.length).toBeGreaterThan(0);
    expect(printed).toEqual(promised(code));
  },
);

test('the examples are sound TypeScript', () => {
  const directory = temporaryDir();
  const files = blocks.map(({ code }, at) => {
    const path = join(directory, `example-${at}.ts`);
    writeFileSync(path, code);
    return path;
  });
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const paths = {
    mooring: [join(root, 'src/index.ts')],
    'mooring/client': [join(root, 'src/client/index.ts')],
    zod: [join(root, 'node_modules/zod')],
    mqtt: [join(root, 'node_modules/mqtt')],
  };
  const typeRoots = [join(root, 'node_modules/@types')];
  const bundled = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
  const program = ts.createProgram(files, { ...options, ...bundled, paths, typeRoots, noEmit: true });
  const problems = files
    .map((path) => program.getSourceFile(path))
    .flatMap((file) => program.getSemanticDiagnostics(file))
    .map(({ file, start, messageText }) => {
      const { line = 0 } = start === undefined ? {} : (file?.getLineAndCharacterOfPosition(start) ?? {});
      return `${file?.fileName}:${line + 1} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  expect(problems).toEqual([]);
}, 60_000);

test('states the limits as they are', () => {
  const text = page.replaceAll(/\s+/g, ' ');
  const { httpBodyBytesMax: bodyIn, httpAnswerBytesMax: bodyOut, httpAnswerHeaderBytesMax: headers } = limits;
  const inKiB = (bytes: number): string => `${bytes / 1024} KiB`;
  expect(text).toContain(
    `may have ${inKiB(bodyIn)}, a response ${bodyOut / 1024 / 1024} MiB and ${inKiB(headers)} of headers`,
  );
  expect(text).toContain(`at most ${limits.callsPerSourceMax} calls open`);
  expect(text).toContain(`default ${limits.callDeadlineMs / 1000} s`);
  expect(text).toContain(`a hook awaits for over ${limits.turnDeadlineMs / 1000} s`);
  expect(text).toContain(`idle for ${limits.idleTimeoutMs / 1000} s leaves it`);
  expect(text).toContain(`as a promise (${limits.protocolDecisionMs / 1000} s, then nothing is sent`);
  expect(text).toContain(`at most ${limits.stateBytesMax / 1024 / 1024} MB`);
  expect(text).toContain(`for \`ttlMs\` (${limits.commandTtlMs / 3_600_000} h)`);
});
