/**
 * Asks a language model. `resolveModel` turns an agent's `model` setting into a LanguageModelV4 of the AI SDK;
 * a `ModelHost` holds what the models of a process share. Nothing here knows agents, storage or MQTT.
 */
export { resolveModel } from './model.ts';
export type { ModelSpec } from './model.ts';
export { ModelHost } from './model-host.ts';
export type { ModelCaller, ModelSettings, ModelTimeouts } from './model-host.ts';
export { MemoryTokenBudget } from './token-budget.ts';
export type { Reservation, TokenBudget } from './token-budget.ts';
export type { LanguageModelV4 } from './language-model.ts';
