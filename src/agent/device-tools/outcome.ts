/**
 * What an acting tool answers. `done` is what the device's own data shows, nothing else: not that a command was sent, nor
 * that the device said yes to it.
 */
import type { DeviceDefinition, MetricValue } from '../../device/index.ts';
import type { JsonSchema } from '../../tools/index.ts';
import type { CommandRecord } from '../commands.ts';
import type { Sighting, Want } from './effect-watch.ts';

/** How a command or a desired state ended. */
export type OutcomeWord = 'done' | 'sent, not confirmed' | 'failed' | 'expired';

/** A JSON value. `explanation` is what may be said about it. */
export interface ActionOutcome {
  /** What is known. */
  readonly outcome: OutcomeWord;
  /** In words. */
  readonly explanation: string;
  /** Of the command, as the audit log has it. */
  readonly cid?: string;
  /** What the device's data showed. */
  readonly evidence?: {
    /** Where it was seen. */
    readonly source: 'telemetry' | 'reported state';
    /** By metric. */
    readonly values: Readonly<Record<string, MetricValue>>;
    /** RFC 3339. */
    readonly at: string;
  };
  /** What the device answered to the command. */
  readonly answer?: unknown;
}

const TEXT = { type: 'string' } as const;
const OBJECT = { type: 'object' } as const;

/** Of everything an acting tool may answer. */
export const OUTCOME_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    outcome: {
      type: 'string',
      enum: ['done', 'sent, not confirmed', 'failed', 'expired', 'refused', 'needs-approval'],
    },
    explanation: TEXT,
    cid: TEXT,
    evidence: OBJECT,
    answer: {},
    approval: OBJECT,
  },
  required: ['outcome', 'explanation'],
};

/** @param what the action, for people: `vent open` @param waitMs how long was waited */
export function outcomeOf(
  sighting: Sighting,
  what: string,
  waitMs: number,
  wants: readonly Want[],
): ActionOutcome {
  switch (sighting.kind) {
    case 'seen': {
      const { source, values, atMs } = sighting.evidence;
      const shown = Object.entries(values).map(([name, value]) => `${name} ${String(value)}`);
      const explanation = `${what}: the device's ${source} shows ${shown.join(', ')}`;
      const at = new Date(atMs).toISOString();
      return { outcome: 'done', explanation, evidence: { source, values, at }, ...answerOf(sighting.answer) };
    }
    case 'failed': {
      const error = sighting.answer.error ?? 'it gave no reason';
      return { outcome: 'failed', explanation: `${what}: the device refused: ${error}`, answer: error };
    }
    case 'expired':
      return {
        outcome: 'expired',
        explanation: `${what}: the device did not answer within ${seconds(waitMs)}; the command is withdrawn, but may have reached it`,
      };
    case 'unseen':
      return unseen(sighting.answer, what, waitMs, wants);
    case 'uncommitted':
      return unconfirmed(`${what}: accepted; it leaves for the device when the turn that asked for it ends`);
    case 'let-go':
      return unconfirmed(`${what}: the agent was restarted while it waited; what was sent stands`);
  }
}

function unseen(
  answer: CommandRecord | undefined,
  what: string,
  waitMs: number,
  wants: readonly Want[],
): ActionOutcome {
  const said = answer === undefined ? 'the device has not answered' : 'the device said yes';
  const shown = wants.map(({ metric, value }) => `${metric} ${String(value)}`).join(', ');
  const why =
    wants.length === 0
      ? 'no metric of this model shows whether it was done'
      : `its data did not show ${shown} within ${seconds(waitMs)}`;
  return { ...unconfirmed(`${what}: ${said}, but ${why}`), ...answerOf(answer) };
}

function unconfirmed(explanation: string): ActionOutcome {
  return { outcome: 'sent, not confirmed', explanation };
}

function answerOf(answer: CommandRecord | undefined): { readonly answer?: unknown } {
  return answer?.value === undefined ? {} : { answer: answer.value };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

/** What `metric` is to become, for the watch: numbers are rounded where they are stored. */
export function wantOf({ metrics }: DeviceDefinition, metric: string, value: MetricValue): Want {
  const precision = metrics.find(({ name }) => name === metric)?.precision ?? 0;
  const noise = typeof value === 'number' ? Math.abs(value) * 1e-9 : 0;
  return { metric, value, tolerance: precision / 2 + noise };
}
