/**
 * The rules engine: deterministic, pure, told the time by its caller. docs/rules.md says exactly what a
 * rule means; the agent stores rules and memories, keeps the alarm and carries the firings out.
 */
export { parseRule } from './parse.ts';
export { dryRun, type DryRun } from './dry-run.ts';
export { exampleSentences, understand, understandExactly, type RuleTranslator } from './understand.ts';
export { ModelTranslator } from './translator/model-translator.ts';
export { askEngine } from './translator/ask-engine.ts';
export { describeRule } from './describe.ts';
export { evaluateAlarm, evaluateTelemetry, type Evaluation } from './evaluate.ts';
export type { RuleMemories } from './memory.ts';
export { DAYS, type FiredRule, type Rule, type StoredRule } from './rule.ts';
