/**
 * Asks a language model. `resolveModel` turns an agent's `model` setting into a LanguageModelV4 of the AI SDK;
 * a `ModelHost` holds what the models of a process share. Nothing here knows agents, storage or MQTT.
 */
export { resolveModel, type ModelSpec } from './model.ts';
export { ModelHost } from './model-host.ts';
export { shippedModel } from './local-model.ts';
export { EngineHost } from './embedded/engine-host.ts';
export type { EngineGate } from './embedded/engine-words.ts';
export type { KvBlob } from './embedded/chat-memory.ts';
export type { KvKeeper } from './embedded/engine-model.ts';
export type { LanguageModelV4 } from './language-model.ts';
