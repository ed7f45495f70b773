/** From a sentence to a rule as data, which `parseRule` checks: "when temperature is above 30 for 5 minutes, open the vent". */
import { BridgeError } from '../../base/errors.ts';
import type { DeviceDefinition } from '../../device/index.ts';
import { readSentence } from '../rules/grammar/sentence.ts';
import { exampleSentences } from '../rules/index.ts';
import { phrasesFor } from './phrases.ts';

/** @param names of the device itself @throws BridgeError BRG_RULE that says what would be understood */
export function ruleFromSentence(
  text: string,
  definition: DeviceDefinition,
  names: readonly string[],
): object {
  const [rule, another] = readSentence(text, definition, names);
  if (rule !== undefined && another === undefined) return rule;
  throw notUnderstood(definition);
}

/** An error that teaches. */
export function notUnderstood(definition: DeviceDefinition): BridgeError {
  const metrics = definition.metrics.map(({ name }) => name).join(', ');
  const examples = exampleSentences(definition);
  return new BridgeError(
    'BRG_RULE',
    `text: not understood as a whole. Say "when <metric> is above|below|at least|at most <value> [for 5 minutes], <action>" or "when no <metric> comes for 10 minutes, <action>" ` +
      `with one of the metrics ${metrics}, and as action "notify me", "alert <text>" or a command: ${phrasesFor(definition)}. Or give rule as data`,
    { details: { field: 'text', examples } },
  );
}
