/** The language models of the agents of one shard: what the bridge was configured with, and what an agent asks. */
import { addressKey } from '../base/address.ts';
import { BridgeError } from '../base/errors.ts';
import {
  ModelHost,
  resolveModel,
  shippedModel,
  type LanguageModelV4,
  type ModelSpec,
} from '../inference/index.ts';
import type { Agent } from './agent.ts';
import { PARTS } from './agent-parts.ts';
import { askEngine, ModelTranslator, type RuleTranslator } from './rules/index.ts';

/** Which model agents use that choose none. */
export interface AgentModels {
  readonly host: ModelHost;
  readonly standard: ModelSpec;
  /** Makes rules of sentences that the grammar does not understand. */
  readonly translator?: RuleTranslator;
}

/** For a shard that nobody gave a model. */
export function rulesOnly(): AgentModels {
  return { host: new ModelHost(), standard: 'rules' };
}

/** Over the model that comes with the bridge; undefined: this installation has none. Costs nothing until it is asked. */
export function shippedTranslator(host: ModelHost): RuleTranslator | undefined {
  const file = shippedModel();
  return file === undefined ? undefined : new ModelTranslator(askEngine(host.engine(file)));
}

/**
 * The model of this agent: `static options = { model }` of its class, else the configured one.
 * @throws BridgeError BRG_MODEL_SPEC; BRG_BAD_REQUEST while the agent is being constructed
 */
export function languageModelOf(agent: Agent): LanguageModelV4 {
  const { models, context } = agent[PARTS];
  if (models === undefined) {
    throw new BridgeError(
      'BRG_BAD_REQUEST',
      'languageModel is there from onStart on, not in the constructor',
    );
  }
  const { options } = agent.constructor as { options?: { model?: unknown } }; // as documented; checked below
  const keeper = agent[PARTS].openChat?.memory;
  return resolveModel(options?.model ?? models.standard, models.host, {
    agent: addressKey(context.address),
    ...(keeper === undefined ? {} : { keeper }),
  });
}
