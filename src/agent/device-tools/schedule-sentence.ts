/** From a sentence to a command for later: "turn off the pump in ten minutes", "every day at 7:30 open the vent". */
import { BridgeError } from '../../base/errors.ts';
import type { DeviceDefinition } from '../../device/index.ts';
import { deedOf, durationOf, phrasesFor, type Deed } from './phrases.ts';

/** `cron` in the time zone of the device's policy, also for the next time it is that late in the day (`isOnce`). */
export type SaidTime =
  | { readonly kind: 'delay'; readonly seconds: number }
  | { readonly kind: 'clock'; readonly cron: string; readonly isOnce: boolean };

/** @param names of the device itself @throws BridgeError BRG_BAD_REQUEST that says what would be understood */
export function scheduleFromSentence(
  text: string,
  definition: DeviceDefinition,
  names: readonly string[],
): { readonly deed: Deed; readonly time: SaidTime } {
  const sentence = text.trim().replace(/[.!]+$/, '');
  for (const [said, phrase] of splitsOf(sentence)) {
    const time = timeOf(said.toLowerCase().trim());
    const deed = time === undefined ? undefined : deedOf(phrase, definition, names);
    if (time !== undefined && deed !== undefined) return { deed, time };
  }
  throw new BridgeError(
    'BRG_BAD_REQUEST',
    `schedule_command: text: not understood as a whole, so nothing is scheduled. Say "<command> in ten minutes", "<command> at 18:30" or ` +
      `"every day at 7:00 <command>" with a command: ${phrasesFor(definition)}. Or give action and one of in_seconds, at, cron`,
  );
}

/** Every way to cut the time off, at either end. */
function* splitsOf(text: string): Generator<readonly [time: string, phrase: string]> {
  const words = text.replace(/,\s*/g, ' ').split(/\s+/);
  for (let at = 1; at < words.length; at++) {
    yield [words.slice(0, at).join(' '), words.slice(at).join(' ')];
    yield [words.slice(at).join(' '), words.slice(0, at).join(' ')];
  }
}

function timeOf(said: string): SaidTime | undefined {
  const delay = /^(?:in|after) (?:about )?(.+)$/.exec(said);
  const delayMs = delay === null ? undefined : durationOf(delay[1] ?? '');
  if (delayMs !== undefined) return { kind: 'delay', seconds: delayMs / 1000 };
  const clock = /^(every day |daily )?at (\d{1,2})(?::(\d\d))?(?: ?(am|pm))?$/.exec(said);
  if (clock === null)
    return said === 'every hour' || said === 'hourly'
      ? { kind: 'clock', cron: '0 * * * *', isOnce: false }
      : undefined;
  const [, daily, hours = '', minutes = '00', half] = clock;
  const hour = (Number(hours) % (half === undefined ? 24 : 12)) + (half === 'pm' ? 12 : 0);
  if (Number(hours) > (half === undefined ? 23 : 12) || Number(minutes) > 59) return undefined;
  return { kind: 'clock', cron: `${Number(minutes)} ${hour} * * *`, isOnce: daily === undefined };
}
