/** What an agent's `model` may be, and the model it means. */
import type { LanguageModelV4 } from './language-model.ts';
import { BridgeError } from '../base/errors.ts';
import { embeddedModel, llamaCppModel, modelFile, shippedModel } from './local-model.ts';
import { ManagedModel } from './managed-model.ts';
import type { ModelCaller, ModelHost } from './model-host.ts';
import { ModelKey } from './model-key.ts';
import { remoteEndpoint } from './remote-model.ts';
import { RulesModel } from './rules-model.ts';

/**
 * `rules`: no language model, answers from data and tools alone; `embedded`: those, and the shipped model that makes
 * rules of English; `gguf:<path>`: a small model in a file, run in this process;
 * `llama.cpp:<path>`: a larger one, where `node-llama-cpp` is installed; `openai-compatible:<url>#<name>`: the
 * model `name` at an endpoint such as `http://127.0.0.1:11434/v1`; or a model object of an AI SDK 7 provider. @public
 */
export type ModelSpec =
  'rules' | 'embedded' | `gguf:${string}` | `openai-compatible:${string}#${string}` | LanguageModelV4;

const ALLOWED =
  "allowed are 'rules', 'openai-compatible:<url>#<name>' (e.g. openai-compatible:http://127.0.0.1:11434/v1#qwen3:8b), " +
  "'gguf:<path>', 'llama.cpp:<path>', 'embedded' and a language model of an AI SDK 7 provider (specificationVersion v4)";

/**
 * The model `spec` means, for one agent: a LanguageModelV4 that `generateText` and `streamText` of `ai` take.
 * Nothing is connected to before the first request. Default `rules`.
 * @throws BridgeError BRG_MODEL_SPEC for anything else, and for a key that cannot be read
 * @public
 */
export function resolveModel(spec: unknown, host: ModelHost, caller: ModelCaller): LanguageModelV4 {
  if (spec === undefined || spec === null || spec === 'rules') return new RulesModel({ clock: host.clock });
  if (spec === 'embedded') {
    if (shippedModel() === undefined)
      throw notAllowed('embedded, without a shipped model in this installation,');
    return new RulesModel({ clock: host.clock });
  }
  if (typeof spec === 'string' && spec.startsWith('gguf:'))
    return embeddedModel(modelFile(spec.slice('gguf:'.length)), host, caller);
  if (typeof spec === 'string' && spec.startsWith('llama.cpp:'))
    return llamaCppModel(modelFile(spec.slice('llama.cpp:'.length)), host, caller);
  if (typeof spec === 'string') {
    const { url, name } = parseSpec(spec);
    const endpoint = remoteEndpoint(url, name, host);
    return new ManagedModel(endpoint.model, endpoint, caller, host);
  }
  const model = checkModel(spec);
  if (model instanceof ManagedModel || model instanceof RulesModel) return model;
  const none = new ModelKey(undefined, {}); // its key is its own affair; what looks like one is hidden anyhow
  // By name, not by object: each instance of an agent's class may make one of its own.
  const id = `object ${model.provider}#${model.modelId}`;
  const endpoint = host.endpoint(id, () => host.gate(model.modelId, model.provider, none));
  return new ManagedModel(model, endpoint, caller, host);
}

function parseSpec(spec: string): { url: URL; name: string } {
  const [, address = '', fragment = ''] = /^openai-compatible:([^#]*)#(.+)$/s.exec(spec) ?? [];
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const name = fragment.trim();
  // The text is not repeated: somebody may have put a key into it.
  if (url === undefined || name === '') throw notAllowed('a text of another form');
  if (!['http:', 'https:'].includes(url.protocol)) throw notAllowed(`an address with ${url.protocol}`);
  if (url.username !== '' || url.password !== '' || url.search !== '')
    throw notAllowed('an address with a password or a query; a key belongs into MOORING_MODEL_KEY or a file');
  if (/[\p{Cc}]/u.test(name) || name.length > 256) throw notAllowed('a model name of another form');
  return { url, name };
}

function checkModel(spec: unknown): LanguageModelV4 {
  if (typeof spec !== 'object' || spec === null) throw notAllowed(`a ${typeof spec}`);
  const { specificationVersion, doGenerate, doStream } = spec as Record<string, unknown>; // any object may be asked for any name
  if (specificationVersion !== 'v4')
    throw notAllowed(
      `an object with specificationVersion ${JSON.stringify(specificationVersion) ?? 'undefined'}`,
    );
  if (typeof doGenerate !== 'function' || typeof doStream !== 'function')
    throw notAllowed('an object without doGenerate and doStream');
  return spec as LanguageModelV4; // it says it is one, and has what makes one
}

function notAllowed(what: string): BridgeError {
  return new BridgeError('BRG_MODEL_SPEC', `model: ${what} is not allowed; ${ALLOWED}`);
}
