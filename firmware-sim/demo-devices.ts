/** The shipped models for the demo, whose pumps have a script to say what a language model would say. */
import { agents as shipped, definitions as models } from '../devices/index.ts';
import { PumpAgent } from '../devices/pump-agent.ts';
import { ScriptedModel } from './scripted-model.ts';

class DemoPump extends PumpAgent {
  /** What is not in the script is for the model that the bridge has. */
  override get languageModel(): PumpAgent['languageModel'] {
    return new ScriptedModel(super.languageModel);
  }
}

/** @public as `agents` is */
export const definitions = models;

/** @public loaded by the bridge, as its setting `devices` says */
export const agents = { ...shipped, 'pump-agent': DemoPump };
