import { BridgeError } from '../base/errors.ts';
import type { Command, MetricValue } from './capability.ts';
import { PLAN } from './decode.ts';
import type { DeviceDefinition } from './definition.ts';
import { acceptValue, createValueCheck, explainRefusal, showValue } from './value.ts';

/**
 * The argument of a command as it is sent to the device: null for a command that takes none, else the
 * checked value. Callers may give the value itself, alone in an array, or as `{value}`; for none:
 * nothing, null, `{}` or `[]`. Throws BRG_COMMAND_ARGUMENT.
 */
export function checkCommandArgument(command: Command, args: unknown): MetricValue | null {
  const value = unwrap(args);
  if (command.argument === null) {
    if (value === undefined) return null;
    throw refused(command, `${command.name} takes no argument, but was given ${showValue(value)}`);
  }
  const check = createValueCheck(`the argument of ${command.name}`, command.argument);
  if (value === undefined) throw refused(command, `${command.name} needs an argument of kind ${check.kind}`);
  const accepted = acceptValue(check, value);
  if (accepted === undefined) throw refused(command, explainRefusal(check, value).reason);
  return accepted;
}

/** What the caller means; undefined for nothing. */
function unwrap(args: unknown): unknown {
  if (args === null || typeof args !== 'object') return args ?? undefined;
  if (Array.isArray(args)) return args.length <= 1 ? (args[0] ?? undefined) : args;
  const keys = Object.keys(args);
  if (keys.length === 0) return undefined;
  return keys.length === 1 && 'value' in args ? (args.value ?? undefined) : args;
}

function refused(command: Command, message: string): BridgeError {
  return new BridgeError('BRG_COMMAND_ARGUMENT', message, {
    details: { command: command.name, argument: command.argument },
  });
}

/**
 * One value of a metric from elsewhere than telemetry (reported or desired state), as it is stored.
 * Throws BRG_UNKNOWN_METRIC, BRG_PAYLOAD_SHAPE or BRG_PAYLOAD_RANGE.
 */
export function checkMetricValue(definition: DeviceDefinition, name: string, value: unknown): MetricValue {
  const check = definition[PLAN].byName.get(name);
  if (check === undefined) {
    const known = definition.metrics.map((metric) => metric.name).join(', ');
    throw new BridgeError(
      'BRG_UNKNOWN_METRIC',
      `${showValue(name)} is no metric of ${definition.model}; it has ${known}`,
    );
  }
  const accepted = acceptValue(check, value);
  if (accepted !== undefined) return accepted;
  const { code, reason } = explainRefusal(check, value);
  throw new BridgeError(code, reason, { details: { metric: name } });
}
