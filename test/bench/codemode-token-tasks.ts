/**
 * The questions of the token benchmark and the model that answers them by script. It never knows more than what its
 * tools said: its next calls, its programs' results and its answer are made of that alone, and the answer is the same whichever way it came about.
 */
import type { Offer } from './codemode-token-agents.ts';

export interface Call {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** A call that was made and what its tool answered. */
export interface Made extends Call {
  readonly output: unknown;
}

export interface Task {
  readonly name: string;
  readonly question: string;
  readonly usesFiles?: boolean;
  /** Tools of other systems that are offered too. */
  readonly others?: number;
  /** Calls it needs and has not made yet, as far as it can know them; none: it answers. */
  next(made: readonly Made[]): readonly Call[];
  answer(made: readonly Made[]): string;
  /** Programs, the first that fails or only looks for tools before the one that works. */
  readonly programs: readonly string[];
  /** @param value of the last program */
  conclude(value: unknown): string;
}

interface Point {
  readonly mean: number;
}
interface Hot {
  readonly id: string;
  readonly hot: number;
}

const DEVICES = 10;
const HOT = 26;

/** Points of each history the ten-device question reads. */
export function tenDevices(points: number, others = 0): Task {
  const minutes = (24 * 60) / points;
  const past = { metric: 'temperature', minutes: 1440, points };
  const sentence = ({ id, hot }: Hot): string =>
    `${id} was longest above ${HOT} °C: ${hot} times ${minutes} minutes.`;
  const program = `const { devices } = await env.device.list_peers({});
const past = ${JSON.stringify(past)} as const;
const all = await Promise.all([
  env.device.read_history(past).then(({ points }) => ({ id: 'g0', points })),
  ...devices.map(async ({ id }) => ({ id, points: (await env.device.read_peer_history({ id, ...past })).points })),
]);
const hot = all.map(({ id, points }) => ({ id, hot: points.filter(({ mean }) => mean > ${HOT}).length }));
return hot.sort((a, b) => b.hot - a.hot)[0];`;
  const search = `const found = await env.catalog.search({ query: 'history of a metric of this and other devices, list of peers' });
return await env.catalog.describe({ tools: found.slice(0, 3).map(({ tool }) => tool) });`;
  return {
    name: `ten devices, ${points} points each`,
    question: `Which of the ten greenhouses was longest above ${HOT} °C over the last 24 hours? Look at steps of ${minutes} minutes.`,
    others,
    next(made) {
      const listed = made.find(({ name }) => name === 'list_peers')?.output as
        { devices: readonly { id: string }[] } | undefined;
      if (listed === undefined) return [{ name: 'list_peers', input: {} }];
      const calls = [
        { name: 'read_history', input: past },
        ...listed.devices.map(({ id }) => ({ name: 'read_peer_history', input: { id, ...past } })),
      ];
      return calls.slice(made.length - 1);
    },
    answer(made) {
      const histories = made.filter(({ name }) => name !== 'list_peers');
      if (histories.length !== DEVICES) throw new Error(`${histories.length} histories were read`);
      const all = histories.map(({ input, output }) => {
        const { points: read } = output as { points: readonly Point[] };
        return { id: String(input['id'] ?? 'g0'), hot: read.filter(({ mean }) => mean > HOT).length };
      });
      return sentence(all.toSorted((a, b) => b.hot - a.hot)[0] ?? { id: '', hot: 0 });
    },
    programs: others === 0 ? [program] : [search, program],
    conclude: (value) => sentence(value as Hot),
  };
}

interface Count {
  readonly name: string;
  readonly lines: number;
}

const LOOKED_FOR = 'E42';

const tellCounts = (counts: readonly Count[]): string =>
  `${LOOKED_FOR} is in ${counts.map(({ name, lines }) => `${name} (${lines})`).join(', ')}.`;

export const tenFiles: Task = {
  name: 'ten files, searched',
  question: `In which of the ten log files does the error ${LOOKED_FOR} occur, and in how many lines of each?`,
  usesFiles: true,
  next(made) {
    const listed = made.find(({ name }) => name === 'list_files')?.output as
      { files: readonly { name: string }[] } | undefined;
    if (listed === undefined) return [{ name: 'list_files', input: {} }];
    return listed.files.map(({ name }) => ({ name: 'read_file', input: { name } })).slice(made.length - 1);
  },
  answer(made) {
    const read = made
      .filter(({ name }) => name === 'read_file')
      .map(({ output }) => output as { name: string; text: string });
    const counts = read.map(({ name, text }) => ({
      name,
      lines: text.split('\n').filter((line) => line.includes(LOOKED_FOR)).length,
    }));
    return tellCounts(counts.filter(({ lines }) => lines > 0));
  },
  programs: [
    `const { files } = await env.files.list_files({});
const texts = await Promise.all(files.map(({ name }) => env.files.read_file({ name })));
const counts = texts.map(({ name, text }) => ({ name, lines: text.split('\\n').filter((line) => line.includes('${LOOKED_FOR}')).length }));
return counts.filter(({ lines }) => lines > 0);`,
  ],
  conclude: (value) => tellCounts(value as readonly Count[]),
};

/** One call with a small answer: nothing to be saved. */
export const oneReading: Task = {
  name: 'one reading',
  question: 'How warm is it now?',
  next: (made) => (made.length === 0 ? [{ name: 'read_state', input: {} }] : []),
  answer: (made) =>
    `It is ${(made[0]?.output as { values: { temperature: number } }).values.temperature} °C.`,
  programs: ['return (await env.device.read_state({})).values.temperature;'],
  conclude: (value) => `It is ${String(value)} °C.`,
};

const lastHour = (metric: string): Call => ({
  name: 'read_history',
  input: { metric, minutes: 60, points: 2 },
});

/** Two calls at once with small answers. */
export const twoReadings: Task = {
  name: 'two small histories',
  question: 'Did temperature and humidity rise over the last hour?',
  next: (made) =>
    made.length === 0
      ? [lastHour('temperature'), lastHour('humidity')]
      : made.length === 1
        ? [lastHour('humidity')]
        : [],
  answer: (made) =>
    tellRise(made.map(({ output }) => hasRisen((output as { points: readonly Point[] }).points))),
  programs: [
    `const metrics = ['temperature', 'humidity'] as const;
return await Promise.all(metrics.map(async (metric) => {
  const { points } = await env.device.read_history({ metric, minutes: 60, points: 2 });
  return points.at(-1).mean > points[0].mean;
}));`,
  ],
  conclude: (value) => tellRise(value as readonly boolean[]),
};

function hasRisen(points: readonly Point[]): boolean {
  return (points.at(-1)?.mean ?? NaN) > (points[0]?.mean ?? NaN);
}

function tellRise([temperature, humidity]: readonly boolean[]): string {
  return `Temperature: ${temperature === true ? 'yes' : 'no'}, humidity: ${humidity === true ? 'yes' : 'no'}.`;
}

/** The ten-device question, whose first program names a part of the answer that is not there. */
export function withMistake(task: Task): Task {
  const [program = ''] = task.programs;
  return {
    ...task,
    name: `${task.name}; the first program fails`,
    programs: [program.replace('points.filter', 'samples.filter'), program],
  };
}

/** What the scripted model does in one turn. */
export type Turn = { readonly calls: readonly Call[] } | { readonly text: string };

/** One call a turn, or all that are known at once, or programs. */
export type Way = 'one by one' | 'parallel' | 'program';

export function turnOf(task: Task, way: Way, made: readonly Made[]): Turn {
  if (way === 'program') {
    const code = task.programs[made.length];
    assertKnown(task, made);
    if (code !== undefined) return { calls: [{ name: 'run_program', input: { code } }] };
    return { text: task.conclude((made.at(-1)?.output as { value?: unknown }).value) };
  }
  const calls = task.next(made);
  if (calls.length === 0) return { text: task.answer(made) };
  return { calls: way === 'parallel' ? calls : calls.slice(0, 1) };
}

/** A program that looked for tools must have found those the next one calls. */
function assertKnown({ programs }: Task, made: readonly Made[]): void {
  const [search, program = ''] = programs;
  if (made.length !== 1 || search?.includes('env.catalog.') !== true) return;
  const found = JSON.stringify(made[0]?.output);
  const unknown = [...program.matchAll(/env\.\w+\.(\w+)/g)].filter(
    ([, name]) => !found.includes(`${name ?? ''}(`),
  );
  if (unknown.length > 0) throw new Error(`not found: ${unknown.join(', ')} in ${found}`);
}

export const offerOf = (way: Way): Offer => (way === 'program' ? 'program' : 'tools');
