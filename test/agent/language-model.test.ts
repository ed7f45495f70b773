/** Which model an agent asks: that of its class, that of the bridge, or none. */
import { expect, test } from 'vitest';
import { startBridge } from '../support/bridge.ts';
import { devicesFile } from '../support/devices-file.ts';

const devices = (): string =>
  devicesFile(`
    import { Agent } from 'mooring';
    class Asker extends Agent {
      static callables = { who: {}, early: {} };
      seen = (() => { try { return this.languageModel.modelId; } catch (error) { return error.code; } })();
      who() { return [this.languageModel.provider, this.languageModel.modelId].join(' '); }
      early() { return this.seen; }
    }
    class Own extends Asker {
      static options = { model: 'openai-compatible:http://127.0.0.1:9/v1#own' };
    }
    class Wrong extends Asker {
      static options = { model: 'gpt' };
    }
    export const definitions = [];
    export const agents = { asker: Asker, own: Own, wrong: Wrong };
  `);

test('an agent asks the configured model, or the one its class names', async () => {
  const model = 'openai-compatible:http://127.0.0.1:9/v1#configured';
  const bridge = await startBridge({ shards: 1, devices: devices(), model, modelKey: 'sk-not-a-real-key' });
  const who = async (agent: string, method = 'who'): Promise<unknown> => {
    const { body } = await bridge.fetch(`/api/agents/${agent}/call/${method}`, { body: { args: [] } });
    return body['value'] ?? body['code'];
  };
  expect(await who('asker/a')).toMatch(/ configured$/);
  expect(await who('own/a')).toMatch(/ own$/);
  expect(await who('wrong/a')).toBe('BRG_MODEL_SPEC');
  expect(await who('asker/a', 'early')).toBe('BRG_BAD_REQUEST');
});

test('without a setting it asks the rules, and a model that cannot be is refused at the start', async () => {
  const bridge = await startBridge({ shards: 1, devices: devices() });
  const { body } = await bridge.fetch('/api/agents/asker/a/call/who', { body: { args: [] } });
  expect(body['value']).toMatch(/rules/);
  await expect(startBridge({ shards: 1, devices: devices(), model: 'gpt-4' })).rejects.toMatchObject({
    code: 'BRG_MODEL_SPEC',
  });
});
