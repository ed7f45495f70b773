/**
 * What the demo's scripted model knows: one question, the program it writes to answer it, and the words for what came of
 * the program. Everything else, the tools, the sandbox, the approval, the command and what the pump then shows, is as with
 * a language model. Pure.
 */

/** What the rule of the demo asks the agent of a pump. */
export const QUESTION =
  'Vibration is high. Compare this pump with the others of its model, and do what is needed.';

/** Said before anything else: nobody shall take it for a language model. */
export const OPENING =
  'This is the script of the demo, not a language model. One pump that shakes alone is broken, many that shake have another reason: a program compares ten of them.\n\n';

/** How often the usual vibration of the others is too much for one. */
const TOO_MUCH = 2;

export const PROGRAM = `// One pump that shakes alone is broken; when all of them shake, something else is.
const past = { metric: 'vibration', minutes: 10, points: 20 } as const;
const { values } = await env.device.read_state({});
const { points } = await env.device.read_history(past);
const { devices } = await env.device.list_peers({ limit: 50 });
const running = devices.filter((peer) => (peer.values as { running?: boolean }).running !== false).slice(0, 9);
const others = await Promise.all(
  running.map(async ({ id }) => mean((await env.device.read_peer_history({ id, ...past })).points)),
);

const now = Number((values as { vibration?: number }).vibration);
const before = Math.min(...points.map(({ min }) => min));
const usual = others.toSorted((a, b) => a - b)[Math.floor(others.length / 2)] ?? NaN;
const facts = { compared: others.length, usual: round(usual), before: round(before), now: round(now) };
if (!(now > ${TOO_MUCH} * usual)) return { ...facts, stop: null };

// It is this pump alone. Whether it stops is for a person to say.
try {
  return { ...facts, stop: await env.device.send_command({ command: 'stop' }) };
} catch (error) {
  return { ...facts, stop: { outcome: 'not allowed', explanation: (error as Error).message } };
}

function mean(points: { mean: number; count: number }[]): number {
  const count = points.reduce((sum, point) => sum + point.count, 0);
  return points.reduce((sum, point) => sum + point.mean * point.count, 0) / count;
}
function round(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 10) / 10 : null;
}
`;

/** What the program returns. */
interface Findings {
  readonly compared: number;
  readonly usual: number | null;
  readonly before: number | null;
  readonly now: number | null;
  readonly stop: { readonly outcome: string; readonly explanation: string } | null;
}

/** The answer to what `run_program` came to. "Done" is said only where the outcome of the command is `done`. */
export function conclusion(output: unknown): string {
  const { outcome, value, error } = isObject(output) ? output : {};
  if (outcome !== 'done' || !isFindings(value)) {
    return `The program has failed, so I do not know more than before: ${String(error ?? JSON.stringify(output))}`;
  }
  const { compared, usual, before, now, stop } = value;
  const rise = `This pump went from ${before} to ${now} mm/s`;
  if (compared === 0)
    return `${rise}. There is no other running pump to compare it with, so I propose nothing.`;
  const comparison = `${rise}; ${compared} other running pumps are usually at ${usual} mm/s.`;
  if (stop === null) return `${comparison} That is not this pump alone, so I propose nothing.`;
  if (stop.outcome === 'done')
    return `Done: the pump stands still. ${comparison} Seen, not assumed: ${stop.explanation}.`;
  return `The pump is not known to stand still. ${comparison} Stopping it: ${stop.outcome}, ${stop.explanation}.`;
}

function isFindings(value: unknown): value is Findings {
  if (!isObject(value) || typeof value.compared !== 'number') return false;
  return value.stop === null || (isObject(value.stop) && typeof value.stop.outcome === 'string');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
