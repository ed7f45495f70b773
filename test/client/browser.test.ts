import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { ScriptedServer } from './scripted-server.ts';

it('runs in a page without eval, Buffer or Node modules, on the host of the page', async () => {
  const server = await ScriptedServer.start({
    onConnect: (peer) => peer.send({ type: 'cf_agent_state', state: { temperature: 21.5 } }),
  });
  const { outputFiles } = await build({
    entryPoints: [new URL('../../src/client/index.ts', import.meta.url).pathname],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'mooring',
    alias: { 'cbor-x': 'cbor-x/index-no-eval' },
  });
  const code = outputFiles[0]?.text ?? '';
  expect(code).not.toMatch(/require\("node:|from "node:/);
  const globals = {
    TextEncoder,
    TextDecoder,
    WebSocket,
    ArrayBuffer,
    Uint8Array,
    AbortController,
    AbortSignal,
    URL,
    crypto,
  };
  const location = { protocol: 'http:', host: `127.0.0.1:${server.port}` };
  const page = createContext(
    { ...globals, location, performance, setTimeout, clearTimeout, queueMicrotask },
    { codeGeneration: { strings: false, wasm: false } },
  );
  runInContext(code, page);
  const state: unknown = await runInContext(
    `(async () => {
      const client = new mooring.AgentClient({ model: 'greenhouse', id: 'g1' });
      await client.ready;
      client.close();
      return JSON.stringify(client.state);
    })()`,
    page,
  );
  expect(state).toBe('{"temperature":21.5}');
});
