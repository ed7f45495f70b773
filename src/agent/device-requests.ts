/** Answers of a device's agent to the API: the table in docs/design/requests.md. */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { DeviceDesk } from './device-desk.ts';
import { agentFacts, forgetAgent } from './describe-agent.ts';
import { addRule, note, previewRule, type NewRule } from './rule-requests.ts';
import { LATER } from './later.ts';

/** Bodies were checked by the gateway's schemas; what depends on the definition is checked here. */
interface Bodies {
  describe: { receivedAtMs?: number };
  history: { metric: string | null; fromMs: number; toMs: number; points: number };
  count: object;
  rejected: { limit: number };
  patchDesired: { patch: unknown; by?: string };
  command: { name: string; args: unknown; waitMs: number; ttlMs: number; by?: string };
  commands: { limit: number };
  rules: object;
  addRule: NewRule & { by?: string };
  previewRule: NewRule;
  deleteRule: { ruleId: string; by?: string };
  alerts: { limit: number };
  forget: object;
}

type Answers = {
  [Name in keyof Bodies]: (desk: DeviceDesk, body: Bodies[Name], request: number) => unknown;
};

const ANSWERS: Answers = {
  describe,
  history,
  count: (desk) => desk.ingest.counts,
  rejected: (desk, { limit }) => ({ items: desk.deadLetters.list(limit) }),
  patchDesired,
  command,
  commands: (desk, { limit }) => ({ items: desk.commands.list(limit) }),
  rules: (desk) => ({ rules: desk.rules.all }),
  addRule,
  previewRule,
  deleteRule: (desk, { ruleId, by }) => {
    desk.rules.remove(ruleId);
    desk.tookOverRule(ruleId);
    note(desk, 'rule', 'deleted', ruleId, by, null);
    return {};
  },
  alerts: (desk, { limit }) => ({ items: desk.alerts.all.slice(0, limit) }),
  forget: (desk, body) => forgetAgent(desk.parts, body),
};

/** @throws BridgeError of the capability asked; BRG_NOT_IMPLEMENTED for a request nobody answers */
export function answerDeviceRequest(desk: DeviceDesk, request: number, name: string, body: unknown): unknown {
  if (!Object.hasOwn(ANSWERS, name)) {
    throw new BridgeError('BRG_NOT_IMPLEMENTED', `the agent does not answer ${name}`);
  }
  // `name` is a key (checked above) and its body has the shape of that key (see Bodies).
  const answer = ANSWERS[name as keyof Bodies] as (
    desk: DeviceDesk,
    body: unknown,
    request: number,
  ) => unknown;
  return answer(desk, body, request);
}

function describe(desk: DeviceDesk, body: Bodies['describe']): unknown {
  const { context, twin } = desk;
  return {
    ...agentFacts(context, desk.parts.state.current, body.receivedAtMs),
    reported: twin.reported,
    desired: twin.desired,
    delta: twin.delta,
    version: twin.version,
    codec: desk.codec,
    rules: desk.rules.all.length,
    alerts: desk.alerts.all.length,
    commandsPending: desk.commands.pending.length,
    canChat: desk.parts.canChat,
  };
}

function history(desk: DeviceDesk, body: Bodies['history']): unknown {
  const known = desk.definition.metrics;
  if (body.metric !== null && !known.some(({ name }) => name === body.metric)) {
    const names = known.map(({ name }) => name).join(', ');
    const message = `${desk.definition.model} has no metric "${body.metric}"; it knows: ${names}`;
    throw new BridgeError('BRG_UNKNOWN_METRIC', message);
  }
  const units = new Map(known.map(({ name, unit }) => [name, unit ?? null]));
  const series = desk.context.queryHistory(body);
  return { series: series.map((one) => ({ ...one, unit: units.get(one.metric) ?? null })) };
}

function patchDesired(desk: DeviceDesk, { patch, by }: Bodies['patchDesired']): unknown {
  const answer = desk.twin.want(patch, desk.codec);
  note(desk, 'desired', 'changed', String(answer.version), by, { patch });
  return answer;
}

function command(desk: DeviceDesk, body: Bodies['command'], request: number): unknown {
  const { cid } = desk.commands.create(body.name, body.args, body.ttlMs, desk.codec, body.by ?? 'api');
  const waitMs = Math.min(body.waitMs, limits.commandWaitMaxMs);
  if (waitMs === 0) return { cid, status: 'pending' };
  desk.commands.wait(cid, request, desk.context.now() + waitMs);
  return LATER;
}
