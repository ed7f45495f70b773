/** `npm run simulate [-- options]`: runs seeds of the deterministic simulator; exit code 1 when one fails. */
import { parseArgs } from 'node:util';
import { minimize, simulate, type Outcome } from './simulation.ts';

const HELP = `npm run simulate [-- options]

  --seeds n   how many seeds (default 1000)
  --from s    the first one (default 1)
  --seed k    this seed alone
  --trace     with --seed: everything that happened
  --json      one JSON object instead of text
  --help

Each seed is one schedule of the actor runtime: messages, crashes, power losses, full and slow disks.
A seed that fails prints what was wrong and a shortest plan that still fails; the same number fails again.
`;

function parseNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1) {
    process.stderr.write(`simulate: --${name} must be a whole number from 1, not ${text}\n`);
    process.exit(2);
  }
  return number;
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        seeds: { type: 'string', default: '1000' },
        from: { type: 'string', default: '1' },
        seed: { type: 'string' },
        trace: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    process.stderr.write(`simulate: ${error instanceof Error ? error.message : String(error)}\n${HELP}`);
    return process.exit(2);
  }
}

async function explain({ seed, violations }: Outcome): Promise<void> {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  say(`seed ${seed} failed: ${violations[0] ?? ''}`);
  const { plan, outcome } = await minimize(seed);
  say(`  shortest plan that fails (${plan.actions.length} actions):`);
  for (const { atMs, action } of plan.actions) say(`    ${atMs.toFixed(2)}  ${JSON.stringify(action)}`);
  say('  what happened:');
  for (const line of outcome.trace.slice(-40)) say(`    ${line}`);
  say(`  again: npm run simulate -- --seed ${seed} --trace`);
}

const options = readOptions();
if (options.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const from = parseNumber('seed', options.seed ?? options.from);
const count = options.seed === undefined ? parseNumber('seeds', options.seeds) : 1;
const isTraced = options.trace && options.seed !== undefined;
const isTalking = !options.json && process.stderr.isTTY;
const sinceMs = performance.now();
const failed: Outcome[] = [];
let steps = 0;
for (let seed = from; seed < from + count; seed++) {
  const outcome = await simulate(seed, { isTraced });
  steps += outcome.steps;
  if (isTraced && !options.json) process.stdout.write(`${outcome.trace.join('\n')}\n`);
  if (outcome.violations.length > 0) {
    failed.push(outcome);
    if (!options.json) await explain(outcome);
  }
  if (isTalking && seed % 50 === 0) process.stderr.write(`\r${seed - from + 1} of ${count} seeds`);
}
const ms = Math.round(performance.now() - sinceMs);
if (isTalking) process.stderr.write('\r');
const summary = { from, seeds: count, failed: failed.length, steps, ms };
process.stdout.write(
  options.json
    ? `${JSON.stringify({ ...summary, failures: failed.map(({ seed, violations }) => ({ seed, violations })) })}\n`
    : `${count} seeds, ${failed.length} failed; ${steps} steps in ${(ms / 1000).toFixed(1)} s\n`,
);
process.exit(failed.length > 0 ? 1 : 0);
