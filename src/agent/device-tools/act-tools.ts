/** Tools that act now: commands, desired state, and words to people. */
import { BridgeError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { checkMetricValue, type MetricValue } from '../../device/index.ts';
import { isJsonObject, type JsonObject } from '../merge-patch.ts';
import { actTool, type DeviceTool, type Input } from './device-tool.ts';
import type { Want } from './effect-watch.ts';
import { OUTCOME_SCHEMA, outcomeOf, wantOf } from './outcome.ts';
import { describeTarget, type ActionTarget } from './policy.ts';
import type { ToolBench } from './tool-bench.ts';
import { commandProperties, describeCommands, valueSchema } from './value-schema.ts';

const WAIT = {
  wait_seconds: { type: 'integer', minimum: 1, maximum: limits.effectMaxMs / 1000 },
} as const;

export function actTools(bench: ToolBench, askedBy: () => string): DeviceTool[] {
  const { definition } = bench.desk;
  const settable = definition.metrics.filter(({ access }) => access !== 'read');
  return [
    ...(definition.commands.length === 0 ? [] : [sendCommand(bench, askedBy)]),
    ...(settable.length === 0 ? [] : [setDesired(bench, askedBy)]),
    notify(bench, askedBy),
  ];
}

/** One tool for all commands: shorter than one for each as soon as there are two. */
function sendCommand(bench: ToolBench, askedBy: () => string): DeviceTool {
  const { commands } = bench.desk.definition;
  const about = describeCommands(commands);
  return actTool(
    bench,
    {
      name: 'send_command',
      description: `Tells the device to do something now: ${about}. Only outcome "done" means that it was done.`,
      properties: { ...commandProperties(commands), ...WAIT },
      required: ['command'],
      outputSchema: OUTCOME_SCHEMA,
      isDestructive: true,
      plan: (input) => ({ targets: [bench.command(input['command'], input['value']).target] }),
      act: (input, action, signal) => {
        const planned = bench.command(input['command'], input['value']);
        const waitMs = waitMsOf(input) ?? bench.effectMs(planned.command);
        // What was asked for now is not to happen when nobody thinks of it any more.
        return bench.send(planned, action, waitMs, waitMs, signal);
      },
    },
    askedBy,
  );
}

function setDesired(bench: ToolBench, askedBy: () => string): DeviceTool {
  const { metrics } = bench.desk.definition;
  const settable = metrics.filter(({ access }) => access !== 'read');
  const properties = Object.fromEntries(settable.map((metric) => [metric.name, valueSchema(metric)]));
  return actTool(
    bench,
    {
      name: 'set_desired',
      description:
        'Sets what the device is to hold, also when it is away: it gets it when it comes back. Only outcome "done" means that it holds it.',
      properties: {
        patch: { type: 'object', properties, additionalProperties: false, minProperties: 1 },
        ...WAIT,
      },
      required: ['patch'],
      outputSchema: OUTCOME_SCHEMA,
      isIdempotent: true,
      plan: (input) => ({ targets: desiredTargets(bench, input) }),
      act: (input, action, signal) => {
        const targets = desiredTargets(bench, input);
        const { desk } = bench;
        const waitMs = waitMsOf(input) ?? limits.effectMs;
        const wants = targets.map(({ name, value }): Want => wantOf(desk.definition, name, value));
        const what = targets.map(describeTarget).join(', ');
        const { version } = desk.twin.want(patchOf(input), desk.codec);
        const { context } = desk;
        const detail = { patch: patchOf(input) };
        const id = context.effectId();
        context.audit({
          id,
          kind: 'desired',
          event: 'changed',
          subject: String(version),
          by: action.by,
          detail,
        });
        const seen = bench.effects.wait({ wants, wasShown: false, waitMs }, signal);
        return seen.then((sighting) =>
          bench.noted(action, outcomeOf(sighting, what, waitMs, wants), sighting),
        );
      },
    },
    askedBy,
  );
}

/** @throws BridgeError of the first value that does not fit */
function desiredTargets(
  { desk }: ToolBench,
  input: Input,
): (ActionTarget & { readonly value: MetricValue })[] {
  const entries = Object.entries(patchOf(input));
  // JSON Schema's minProperties is no keyword that every model's provider knows.
  if (entries.length === 0) throw new BridgeError('BRG_BAD_REQUEST', 'set_desired: patch: nothing is set');
  return entries.map(([name, value]) => {
    return { kind: 'desired', name, value: checkMetricValue(desk.definition, name, value) } as const;
  });
}

function patchOf({ patch }: Input): JsonObject {
  return isJsonObject(patch) ? patch : {};
}

function waitMsOf({ wait_seconds: seconds }: Input): number | undefined {
  return typeof seconds === 'number' ? seconds * 1000 : undefined;
}

function notify(bench: ToolBench, askedBy: () => string): DeviceTool {
  return actTool(
    bench,
    {
      name: 'notify',
      description: 'Raises an alert about this device for people.',
      properties: { text: { type: 'string', minLength: 1, maxLength: limits.ruleTextBytesMax / 4 } },
      required: ['text'],
      outputSchema: OUTCOME_SCHEMA,
      plan: () => ({ targets: [{ kind: 'tools', name: 'notify', value: null }] }),
      act: ({ text }) => {
        bench.alert(String(text));
        return { outcome: 'done', explanation: 'the alert is on the dashboard and in the API' };
      },
    },
    askedBy,
  );
}
