/** Answers of a device's agent to the API: the table in docs/design/requests.md. */
import { BridgeError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { DeviceAgent } from './device-agent.ts';

/** The request is answered later, by `context.reply`. */
export const LATER = Symbol('answered later');

/** Bodies were checked by the gateway's schemas; what depends on the definition is checked here. */
interface Bodies {
  describe: { receivedAtMs?: number };
  history: { metric: string | null; fromMs: number; toMs: number; points: number };
  count: object;
  rejected: { limit: number };
  patchDesired: { patch: unknown };
  command: { name: string; args: unknown; waitMs: number; ttlMs: number };
  commands: { limit: number };
  rules: object;
  addRule: { rule: unknown };
  deleteRule: { ruleId: string };
  alerts: { limit: number };
  forget: object;
}

type Answers = {
  [Name in keyof Bodies]: (agent: DeviceAgent, body: Bodies[Name], request: number) => unknown;
};

const ANSWERS: Answers = {
  describe,
  history,
  count: (agent) => agent.ingest.counts,
  rejected: (agent, { limit }) => ({ items: agent.deadLetters.list(limit) }),
  patchDesired: (agent, { patch }) => agent.twin.want(patch, agent.codec),
  command,
  commands: (agent, { limit }) => ({ items: agent.commands.list(limit) }),
  rules: (agent) => ({ rules: agent.rules.all }),
  addRule: (agent, { rule }) => agent.rules.add(rule),
  deleteRule: (agent, { ruleId }) => {
    agent.rules.remove(ruleId);
    return {};
  },
  alerts: (agent, { limit }) => ({ items: agent.alerts.all.slice(0, limit) }),
  forget: (agent) => {
    for (const { id } of agent.context.connections())
      agent.context.close(id, 1000, 'the agent was forgotten');
    agent.context.forget();
    return {};
  },
};

/** @throws BridgeError of the capability asked; BRG_NOT_IMPLEMENTED for a request nobody answers */
export function answerDeviceRequest(
  agent: DeviceAgent,
  request: number,
  name: string,
  body: unknown,
): unknown {
  if (!Object.hasOwn(ANSWERS, name)) {
    throw new BridgeError('BRG_NOT_IMPLEMENTED', `the agent does not answer ${name}`);
  }
  // `name` is a key (checked above) and its body has the shape of that key (see Bodies).
  const answer = ANSWERS[name as keyof Bodies] as (
    agent: DeviceAgent,
    body: unknown,
    request: number,
  ) => unknown;
  return answer(agent, body, request);
}

function describe(agent: DeviceAgent, body: Bodies['describe']): unknown {
  const { context, twin } = agent;
  return {
    ...context.address,
    presence: context.presence,
    lastSeen: context.lastSeenMs,
    state: agent.state ?? null,
    reported: twin.reported,
    desired: twin.desired,
    delta: twin.delta,
    version: twin.version,
    // Asking wakes it; what counts is whether it was awake when it was asked.
    awake: context.wokeAtMs < (body.receivedAtMs ?? context.now()),
    messages: context.messages,
    rejected: context.rejected,
    connections: context.connections().length,
    codec: agent.codec,
    rules: agent.rules.all.length,
    alerts: agent.alerts.all.length,
    commandsPending: agent.commands.pending.length,
  };
}

function history(agent: DeviceAgent, body: Bodies['history']): unknown {
  const known = agent.definition.metrics;
  if (body.metric !== null && !known.some(({ name }) => name === body.metric)) {
    const names = known.map(({ name }) => name).join(', ');
    const message = `${agent.definition.model} has no metric "${body.metric}"; it knows: ${names}`;
    throw new BridgeError('BRG_UNKNOWN_METRIC', message);
  }
  const units = new Map(known.map(({ name, unit }) => [name, unit ?? null]));
  const series = agent.context.queryHistory(body);
  return { series: series.map((one) => ({ ...one, unit: units.get(one.metric) ?? null })) };
}

function command(agent: DeviceAgent, body: Bodies['command'], request: number): unknown {
  const { cid } = agent.commands.create(body.name, body.args, body.ttlMs, agent.codec);
  const waitMs = Math.min(body.waitMs, limits.commandWaitMaxMs);
  if (waitMs === 0) return { cid, status: 'pending' };
  agent.commands.wait(cid, request, agent.context.now() + waitMs);
  return LATER;
}
