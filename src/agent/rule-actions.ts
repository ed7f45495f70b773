/** Does what rules that fired say: commands, alerts, and questions of the agent to itself. */
import { asBridgeError } from '../base/errors.ts';
import { channels, tell } from '../base/events.ts';
import type { AgentParts } from './agent-parts.ts';
import { onBehalfOf } from './author-code.ts';
import { toolPart } from './chat/chat-message.ts';
import { runAs } from './current-agent.ts';
import type { DeviceAgent } from './device-agent.ts';
import type { DeviceDesk } from './device-desk.ts';
import { isJsonObject } from './merge-patch.ts';
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
  if (action.kind === 'ask') return askItself(desk, rule);
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

/** The question is a message of the chat; its answer is a turn of the thought lane, which telemetry does not wait for. */
function askItself(desk: DeviceDesk, { ruleId, metric, value, atMs: ts, text }: FiredRule): void {
  const { alerts, context, parts } = desk;
  const tellPeople = (kind: 'alert' | 'notify', words: string): void =>
    alerts.add({ ts, ruleId, kind, text: words, metric, value });
  const { chat } = parts;
  if (chat === undefined) {
    tellPeople('alert', `${text}: not asked: agents of this class do not chat`);
    return;
  }
  // One question at a time: what fires again meanwhile would be told the same.
  if (chat.isBusy) {
    tellPeople('notify', `${text}: not asked: the agent is still answering`);
    return;
  }
  const by = `rule:${ruleId}`;
  // Asked again it would propose the same again, and people would have two cards for one thing.
  if (isUndecided(parts, by)) {
    tellPeople('notify', `${text}: not asked: people have not decided yet what came of it the last time`);
    return;
  }
  // Of the turn, so that a replay asks once.
  const id = `${context.effectId()}.rule`;
  const said = `${text}\n(${metric} is ${String(value)} now; rule ${ruleId})`;
  const message = {
    id,
    role: 'user',
    parts: [{ type: 'text', text: said }],
    metadata: { by },
  };
  try {
    context.attempt(() => chat.save([message]));
    tellPeople('notify', `asked: ${text}`);
    // Why the model looked at the device, and what it then did: the message may be cleared from the chat.
    const explanation = `${text} (${metric} was ${String(value)})`;
    context.audit({
      id,
      kind: 'rule',
      event: 'asked',
      subject: ruleId,
      by,
      detail: { explanation },
    });
  } catch (error) {
    tellPeople('alert', `${text}: not asked: ${asBridgeError(error).message}`);
  }
}

/** Whether a call waits for people that the answer to a question of `by` made. */
function isUndecided({ approvals, chat }: AgentParts, by: string): boolean {
  const calls = approvals.pending.map(({ origin }) =>
    origin.kind === 'tool' ? undefined : origin.toolCallId,
  );
  if (calls.length === 0) return false;
  const messages = chat?.list() ?? [];
  return calls.some((id) => {
    if (id === undefined) return false;
    const at = messages.findLastIndex((message) => toolPart(message, id) !== undefined);
    const metadata = messages.slice(0, Math.max(at, 0)).findLast(({ role }) => role === 'user')?.metadata;
    return isJsonObject(metadata) && metadata['by'] === by;
  });
}
