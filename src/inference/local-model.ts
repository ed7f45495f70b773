/** Models in files on this machine, by what an agent's `model` says of them. */
import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { EngineModel } from './embedded/engine-model.ts';
import type { LanguageModelV4 } from './language-model.ts';
import { LlamaCppEngine } from './llama-cpp/llama-engine.ts';
import { ManagedModel } from './managed-model.ts';
import type { ModelCaller, ModelHost } from './model-host.ts';
import { ModelKey } from './model-key.ts';

/** The file of a `gguf:` or `llama.cpp:` model. @throws BridgeError BRG_MODEL_SPEC when it is not there */
export function modelFile(path: string): string {
  const file = isAbsolute(path) ? path : resolve(path);
  if (path.trim() === '' || !existsSync(file))
    throw new BridgeError('BRG_MODEL_SPEC', `model: there is no file ${file === resolve('') ? path : file}`);
  return file;
}

/** The model of a GGUF file, run by our engine. Its thread is started with the first question. */
export function embeddedModel(file: string, host: ModelHost, caller: ModelCaller): LanguageModelV4 {
  const name = file.split(/[/\\]/).at(-1) ?? file;
  // The engine has a queue of its own, which knows what may be read together; ours only keeps an agent in bounds.
  const queue = { concurrent: limits.engineQueueMax };
  const endpoint = host.endpoint(`gguf ${file}`, () =>
    host.gate(name, 'mooring', new ModelKey(undefined, {}), queue),
  );
  const { agent, priority = 'interactive', keeper } = caller;
  const model = new EngineModel(name, host.engine(file), { agent, priority, keeper });
  return new ManagedModel(model, endpoint, caller, host);
}

/** The model of a GGUF file, run by llama.cpp where its package is installed. */
export function llamaCppModel(file: string, host: ModelHost, caller: ModelCaller): LanguageModelV4 {
  const name = file.split(/[/\\]/).at(-1) ?? file;
  const endpoint = host.endpoint(`llama.cpp ${file}`, () => {
    const engine = new LlamaCppEngine(file);
    host.onClose(() => engine.close());
    const gate = host.gate(name, 'llama.cpp', new ModelKey(undefined, {}), { concurrent: 1 });
    return { ...gate, engine };
  });
  const { agent, priority = 'interactive' } = caller;
  return new ManagedModel(
    new EngineModel(name, endpoint.engine, { agent, priority }),
    endpoint,
    caller,
    host,
  );
}

/** Its number goes up when the words it reads or answers change: code and file belong together. */
const RULES_MODEL = 'rules-1.gguf';

/** The model that comes with the bridge: English to rules. Undefined: this installation has none. */
export function shippedModel(): string | undefined {
  const isSource = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(
    new URL(`${isSource ? '../..' : '../../..'}/models/${RULES_MODEL}`, import.meta.url),
  );
  return existsSync(file) ? file : undefined;
}
