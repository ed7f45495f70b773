/** Models behind an OpenAI-compatible HTTP interface: `POST <url>/chat/completions`, answers as server-sent events. */
import type * as Provider from '@ai-sdk/openai-compatible';
import { createRequire } from 'node:module';
import type { LanguageModelV4 } from './language-model.ts';
import { EndpointFetch } from './endpoint-fetch.ts';
import type { Endpoint, ModelHost } from './model-host.ts';

const load = createRequire(import.meta.url);

export interface RemoteEndpoint extends Endpoint {
  readonly model: LanguageModelV4;
}

/** The model `name` at `url`; one endpoint of `host` however often it is asked for. @throws BridgeError BRG_MODEL_SPEC */
export function remoteEndpoint(url: URL, name: string, host: ModelHost): RemoteEndpoint {
  return host.endpoint(`${url.href}#${name}`, () => {
    const key = host.keyFor(url);
    const gate = host.gate(name, url.host, key);
    const connection = new EndpointFetch(url, key, host, host.timeouts.connectMs);
    host.onClose(() => connection.close());
    // Loaded with the first remote model: a bridge without one need not wait for it at its start.
    const sdk = load('@ai-sdk/openai-compatible') as typeof Provider; // its types
    const provider = sdk.createOpenAICompatible({
      name: 'mooring',
      baseURL: url.href,
      fetch: connection.fetch,
      includeUsage: true,
      supportsStructuredOutputs: true,
    });
    return { ...gate, model: provider.chatModel(name) };
  });
}
