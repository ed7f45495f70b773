/** Does what rules that fired say: commands and alerts. */
import { asBridgeError } from '../base/errors.ts';
import { channels, tell } from '../base/events.ts';
import { onBehalfOf } from './author-code.ts';
import { runAs } from './current-agent.ts';
import type { DeviceAgent } from './device-agent.ts';
import type { DeviceDesk } from './device-desk.ts';
import type { FiredRule } from './rules/index.ts';

export function carryOut(agent: DeviceAgent, desk: DeviceDesk, fired: readonly FiredRule[]): void {
  const { context } = desk;
  for (const rule of fired) {
    if (rule.suppressed) {
      if (rule.suppressedCount === 1) noteSuppressed(desk, rule.ruleId);
      continue;
    }
    context.counters.rulesFired++;
    if (channels.rule.hasSubscribers) {
      const { ruleId, action, metric } = rule;
      tell('rule:fire', context, { rule: ruleId, action: action.kind, metric });
    }
    act(agent, desk, rule);
  }
}

function noteSuppressed({ context }: DeviceDesk, rule: string): void {
  context.log.warn({ rule }, 'rule fires too often');
  if (channels.rule.hasSubscribers) tell('rule:suppress', context, { rule });
}

function act(agent: DeviceAgent, desk: DeviceDesk, rule: FiredRule): void {
  const { ruleId, action, metric, value, atMs: ts, text } = rule;
  const { alerts, context } = desk;
  if (action.kind !== 'command') {
    alerts.add({ ts, ruleId, kind: action.kind, text, metric, value });
    return;
  }
  // A rule that a model made may do no more than the model.
  const refusal = desk.refusedRule(rule);
  if (refusal !== undefined) {
    alerts.add({ ts, ruleId, kind: 'alert', text: `${text}: not sent: ${refusal}`, metric, value });
    return;
  }
  try {
    const send = (): unknown => agent.sendCommand(action.name, action.argument ?? null);
    const run = (): unknown => runAs(agent, undefined, send);
    context.attempt(() => onBehalfOf(agent, `rule:${ruleId}`, run));
    alerts.add({ ts, ruleId, kind: 'notify', text, metric, value });
  } catch (error) {
    const failure = `${text}: ${asBridgeError(error).message}`;
    alerts.add({ ts, ruleId, kind: 'alert', text: failure, metric, value });
  }
}
