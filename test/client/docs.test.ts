/** Runs the examples of docs/client.md and compares what they print with what their comments say. */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { limits } from '../../src/base/limits.ts';
import type { Bridge } from '../../src/bridge.ts';
import { AgentClient, BridgeError } from '../../src/client/index.ts';
import { startBridge } from '../support/bridge.ts';
import { ScriptedServer, type Script } from './scripted-server.ts';

const page = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/^```ts (\w+)\n(.*?)^```$/gms)].map(([, kind = '', code = '']) => ({
  kind,
  code,
}));

/** Runs the code with its imports as parameters; resolves to what it printed, once its client is closed. */
async function run(code: string, host: string): Promise<string[]> {
  const printed: string[] = [];
  const closed: Promise<void>[] = [];
  class Client extends AgentClient {
    constructor(...options: ConstructorParameters<typeof AgentClient>) {
      super(...options);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.on('status', (status) => {
        if (status === 'closed') resolve();
      });
      closed.push(promise);
    }
  }
  const console = { log: (...values: unknown[]) => void printed.push(values.join(' ')) };
  const body = stripTypeScriptTypes(
    `async () => {${code.replaceAll(/^import .*$/gm, '').replaceAll('127.0.0.1:8080', host)}}`,
  );
  const names = ['AgentClient', 'BridgeError', 'WebSocket', 'console'];
  // An example is code of this repository.
  const example = new Function(...names, `return ${body}`) as (...values: unknown[]) => () => Promise<void>;
  await example(Client, BridgeError, WebSocket, console)();
  await Promise.all(closed);
  return printed;
}

/** The comments behind `console.log`, in order. */
function promised(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*?\/\/ (.*)$/gm)].map(([, comment = '']) => comment);
}

const counter: Script = {
  onConnect: (peer) => peer.send({ type: 'cf_agent_identity', name: 'c1', agent: 'counter' }),
  onFrame: (frame, peer) => {
    if (frame.type !== 'rpc') return;
    const { id, method } = frame;
    const [a = 0, b = 0] = frame.args.map(Number);
    if (method === 'add') peer.send({ type: 'rpc', id, success: true, result: a + b, done: true });
    if (method !== 'countTo') return;
    for (let n = 1; n <= a; n++) peer.send({ type: 'rpc', id, success: true, result: n, done: false });
    peer.send({ type: 'rpc', id, success: true, done: true });
  },
};

describe('docs/client.md', () => {
  it('has examples of both kinds', () => {
    expect(new Set(examples.map(({ kind }) => kind))).toEqual(new Set(['bridge', 'calls']));
  });

  it.each(examples)('example %#: prints what it says', async ({ kind, code }) => {
    if (kind === 'calls') {
      const server = await ScriptedServer.start(counter);
      const printed = await run(code, `127.0.0.1:${server.port}`);
      expect(printed.join(' ')).toBe(promised(code).join(' '));
      return;
    }
    const { http } = await bridgeWithDevice();
    const printed = await run(code, `${http.host}:${http.port}`);
    expect(printed).toEqual(promised(code));
  });

  it('states the limits as they are', () => {
    const text = page.replaceAll(/\s+/g, ' ');
    const seconds = (ms: number): string => `${ms / 1000} s`;
    expect(text).toContain(`${seconds(limits.requestTimeoutMs)} by default, \`Infinity\``);
    expect(text).toContain(`below ${limits.clientBackoffBaseMs} ms, then`);
    expect(text).toContain(`up to ${seconds(limits.clientBackoffMaxMs)} (`);
    expect(text).toContain(`has lasted ${seconds(limits.clientStableMs)}`);
    expect(text).toContain(`After ${seconds(limits.clientHeartbeatMs)} of silence`);
    expect(text).toContain(`for another ${seconds(limits.clientHeartbeatTimeoutMs)} (`);
    expect(text).toContain(`takes at most ${seconds(limits.clientConnectTimeoutMs)}`);
    expect(text).toContain(`| ${limits.clientCallsPendingMax} calls wait already`);
    expect(text).toContain(`in loops: ${limits.clientFramesWaitingMax} frames`);
  });
});

/** A bridge and a greenhouse that measures 21.5 °C until the test is over. */
async function bridgeWithDevice(): Promise<Bridge> {
  const started = await startBridge();
  const device = await started.mqtt();
  const publish = (): unknown => device.publish('devices/greenhouse/g7/telemetry', '{"temperature":21.5}');
  const timer = setInterval(publish, 50);
  onTestFinished(() => clearInterval(timer));
  return started.bridge;
}
