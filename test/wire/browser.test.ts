import { createContext, runInContext } from 'node:vm';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

test('runs in a page without eval, Buffer or Node modules', async () => {
  const { outputFiles } = await build({
    entryPoints: [new URL('../../src/wire/index.ts', import.meta.url).pathname],
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    globalName: 'wire',
    alias: { 'cbor-x': 'cbor-x/index-no-eval' },
  });
  const code = outputFiles[0]?.text ?? '';
  expect(code).not.toMatch(/require\("node:|from "node:/);
  const context = createContext(
    { TextEncoder, TextDecoder },
    { codeGeneration: { strings: false, wasm: false } },
  );
  runInContext(code, context);
  const result: unknown = runInContext(
    `(() => {
      const frame = { type: 'mooring_telemetry', ts: 1767225600000, values: { temperature: 21.4, text: 'é' }, seq: 7 };
      const nested = { type: 'cf_agent_state', state: { rows: Array.from({ length: 50 }, (_, i) => ({ i, on: true })) } };
      return JSON.stringify([frame, nested].map((f) => wire.decodeOutboundFrame(wire.encodeFrame(f, 'cbor'), 'cbor')));
    })()`,
    context,
  );
  expect(JSON.parse(String(result))).toMatchObject([
    { type: 'mooring_telemetry', ts: 1767225600000, values: { temperature: 21.4, text: 'é' }, seq: 7 },
    { type: 'cf_agent_state' },
  ]);
});
