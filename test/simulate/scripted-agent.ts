/**
 * The behaviour of every simulated agent: it runs the programs that messages carry, and keeps one document in
 * which each thing it did stands once, in order. The witness reads that document in each commit.
 */
import type { ActorBehaviour, ActorContext, ActorFactory, InboundRecord } from '../../src/actor/index.ts';
import { KIND } from '../../src/actor/index.ts';
import { asBridgeError, BridgeError } from '../../src/base/errors.ts';
import type { Input, Program, Step } from './program.ts';

export const MODEL = 'sim';
/** The documents with what was done, and with the alarms that are to ring. */
export const LOG = 'log';
export const DUE = 'due';

export interface AgentEnds {
  /** The thread has ended: what still runs of it leaves no traces. */
  readonly isEnded: boolean;
  violation(what: string): void;
  /** Ends the thread, if this input has not ended it so often. @throws always when it does */
  die(input: string, times: number): void;
  /** A number for something that is not the same at a replay. */
  freshNumber(): number;
  /** Whether this entry of the agent's log is in a commit. */
  isCommitted(key: string, entry: string): boolean;
}

type Due = readonly (readonly [id: string, atMs: number])[];
type Lane = 'device' | 'thought';
interface Scope {
  readonly id: string;
  readonly entry: string;
  readonly lane: Lane;
  /** Effects of it so far. */
  effects: number;
  asks: number;
}

export function scriptedFactory(ends: AgentEnds): ActorFactory {
  const kind = {
    isBuiltIn: false,
    create: (context: ActorContext) => new ScriptedAgent(context, ends, false),
    createHeld: (context: ActorContext) => new ScriptedAgent(context, ends, true),
  };
  return (model) => (model === MODEL ? kind : undefined);
}

class ScriptedAgent implements ActorBehaviour {
  readonly name = 'ScriptedAgent';
  readonly #context: ActorContext;
  readonly #ends: AgentEnds;
  readonly #isHeld: boolean;
  readonly #running: Record<Lane, string | undefined> = { device: undefined, thought: undefined };
  #isStarted = false;

  constructor(context: ActorContext, ends: AgentEnds, isHeld: boolean) {
    this.#context = context;
    this.#ends = ends;
    this.#isHeld = isHeld;
  }

  start(): void {
    if (this.#isStarted) this.#ends.violation(`${this.#key} started twice`);
    this.#isStarted = true;
    this.#rearm();
  }

  receive(record: InboundRecord): void | Promise<void> {
    if (this.#ends.isEnded) return undefined;
    if (!this.#isStarted) this.#ends.violation(`${this.#key} got a message before its start`);
    switch (record.kind) {
      case KIND.telemetry:
        this.#context.countMessage(record.receivedAtMs);
        return this.#told(record);
      case KIND.frame:
        return this.#context.connection(record.connection) && this.#told(record);
      case KIND.request:
        return this.#told(record);
      case KIND.connect:
        return this.#context.connections().forEach((one) => this.#context.remember(one, null));
      case KIND.attach:
        this.#context.setPresence('online');
        return undefined;
      case KIND.detach:
        if (this.#context.deviceConnections().length === 0) this.#context.setPresence('offline');
        return undefined;
      default:
        return undefined;
    }
  }

  alarm(nowMs: number): void {
    if (this.#ends.isEnded) return;
    if (this.#isHeld) {
      this.#context.setAlarm(nowMs + 30_000);
      return;
    }
    const due = this.#due.filter(([, atMs]) => atMs <= nowMs);
    if (due.length === 0) this.#ends.violation(`${this.#key} woke before its alarm`);
    const left = this.#due.filter(([, atMs]) => atMs > nowMs);
    this.#context.setCell(DUE, left);
    for (const [id] of due) this.#log(`rang ${id}`);
    this.#rearm();
  }

  failed(record: InboundRecord): void {
    if (this.#ends.isEnded || !hasInput(record)) return;
    const { id } = readInput(record);
    this.#log(`failed ${id}`);
    this.#over('device', id);
  }

  setAside(record: InboundRecord, error: BridgeError): void {
    if (this.#ends.isEnded || !hasInput(record)) return;
    if (record.kind === KIND.telemetry) this.#context.countMessage(record.receivedAtMs);
    this.#log(`aside ${readInput(record).id}`);
    if (record.kind === KIND.request) this.#context.replyError(record.connection, error.code, error.message);
  }

  abandoned(): void {}
  beforeCommit(): void {}
  stop(): void {}
  heldBy(): undefined {}

  get #key(): string {
    const { model, id } = this.#context.address;
    return `${model}/${id}`;
  }

  get #due(): Due {
    return (this.#context.cell(DUE) as Due | undefined) ?? [];
  }

  #log(entry: string): void {
    const log = (this.#context.cell(LOG) as readonly string[] | undefined) ?? [];
    this.#context.setCell(LOG, [...log, entry]);
  }

  /** Of what is still to come the earliest. */
  #rearm(): void {
    const next = Math.min(...this.#due.map(([, atMs]) => atMs));
    this.#context.setAlarm(next === Infinity ? null : next);
  }

  #told(record: InboundRecord): void | Promise<void> {
    const input = readInput(record);
    const answer = (): void => {
      if (record.kind === KIND.request) this.#context.reply(record.connection, { echo: input.id });
      if (record.kind === KIND.frame)
        this.#context.send([record.connection], Buffer.from(JSON.stringify({ echo: input.id })), true);
    };
    if (this.#isHeld) {
      this.#log(`held ${input.id}`);
      // As agents do: a replay may come when its code runs again, and answer otherwise.
      if (record.kind !== KIND.request) return answer();
      return this.#context.replyError(record.connection, 'BRG_AGENT_HELD', 'its code does not run now');
    }
    const entry = `did ${input.id}`;
    const running = this.#turn(entry, 'device', input);
    if (running === undefined) return answer();
    return running.then(answer);
  }

  /** One turn at a time in each lane. */
  #turn(entry: string, lane: Lane, { id, steps }: Input): void | Promise<void> {
    const before = this.#running[lane];
    if (before !== undefined) this.#ends.violation(`${this.#key}: ${id} began before ${before} had ended`);
    this.#running[lane] = id;
    this.#log(entry);
    let running: void | Promise<void>;
    try {
      running = this.#run({ id, entry, lane, effects: 0, asks: 0 }, steps, 0);
    } catch (error) {
      // What it wrote is taken back now.
      this.#running[lane] = undefined;
      throw error;
    }
    if (running === undefined) return this.#over(lane, id);
    return running.finally(() => this.#over(lane, id));
  }

  #over(lane: Lane, id: string): void {
    if (this.#running[lane] === id) this.#running[lane] = undefined;
    if (!this.#ends.isEnded) this.#rearm();
  }

  #run(scope: Scope, steps: Program, from: number): void | Promise<void> {
    for (let at = from; at < steps.length; at++) {
      const step = steps[at];
      if (step === undefined) return undefined;
      const running = this.#do(scope, step);
      if (running === undefined) continue;
      // A thought is committed up to here, and not taken back any more.
      this.#rearm();
      return running.then(() => this.#run(scope, steps, at + 1));
    }
    return undefined;
  }

  #do(scope: Scope, step: Step): void | Promise<void> {
    const context = this.#context;
    switch (step.kind) {
      case 'wait':
        return new Promise((resume) => void context.shard.after(step.ms, resume));
      case 'hang':
        return new Promise(() => undefined);
      case 'fail':
        throw new BridgeError('BRG_BAD_REQUEST', `${scope.id} is to fail`);
      case 'die':
        return this.#ends.die(scope.id, step.times);
      case 'attempt':
        return this.#attempt(scope);
      case 'alarm':
        context.setCell(DUE, [...this.#due, [`${scope.id}/${scope.effects++}`, context.now() + step.inMs]]);
        return undefined;
      case 'publish':
        return this.#publish(scope);
      case 'ask':
        return this.#ask(scope, step);
      case 'later':
        return this.#later(scope, step.steps);
      case 'aside':
        context.aside((isCommitted) => this.#aside(scope, isCommitted), step.isEager);
        return undefined;
      case 'history':
        context.queryHistory({ metric: null, fromMs: 0, toMs: context.now(), points: 1 });
        return undefined;
      case 'sleep':
        return context.hibernate();
      case 'forget':
        return context.forget();
    }
  }

  #attempt({ id }: Scope): void {
    try {
      this.#context.attempt(() => {
        this.#log(`never ${id}`);
        this.#publish({ id, entry: `never ${id}`, lane: 'device', effects: 0, asks: 0 });
        throw new Error('taken back');
      });
    } catch {
      // as it should be
    }
  }

  #publish(scope: Scope): void {
    const { entry } = scope;
    const isRepeated = scope.lane === 'device';
    const effect = isRepeated ? this.#context.effectId() : null;
    const body = { key: this.#key, entry, n: scope.effects++, effect };
    this.#context.publish({
      topic: 'effects',
      payload: Buffer.from(JSON.stringify(body)),
      qos: 1,
      retain: false,
      connection: 0,
    });
  }

  async #ask(scope: Scope, { agent, timeoutMs, steps }: Extract<Step, { kind: 'ask' }>): Promise<void> {
    // A replay asks again: that is another question.
    const id = `${scope.id}/ask${scope.asks++}-${this.#ends.freshNumber()}`;
    const input: Input = { id, steps };
    let outcome: string;
    try {
      const answer = await this.#context.ask({ model: MODEL, id: `a${agent}` }, 'input', input, timeoutMs);
      const { echo } = answer as { echo?: unknown }; // a ScriptedAgent answered
      if (echo !== id) this.#ends.violation(`${id} got the answer of ${String(echo)}`);
      outcome = 'answered';
    } catch (error) {
      outcome = asBridgeError(error).code;
    }
    if (!this.#ends.isEnded) this.#log(`asked ${id} ${outcome}`);
  }

  #later(scope: Scope, steps: Program): void {
    const id = `${scope.id}/later${scope.effects++}`;
    this.#context.later(() => {
      if (this.#ends.isEnded) return undefined;
      return this.#turn(`thought ${id}`, 'thought', { id, steps });
    });
  }

  #aside({ id, entry }: Scope, isCommitted: boolean): void {
    if (this.#ends.isEnded) return;
    // A turn that was taken back has left no entry; the piece it asked for stands.
    const isWritten = (this.#context.cell(LOG) as readonly string[] | undefined)?.includes(entry) === true;
    if (isCommitted && isWritten && !this.#ends.isCommitted(this.#key, entry))
      this.#ends.violation(`a piece of ${id} began before its commit`);
  }
}

function hasInput({ kind }: InboundRecord): boolean {
  return kind === KIND.telemetry || kind === KIND.frame || kind === KIND.request;
}

function readInput(record: InboundRecord): Input {
  return JSON.parse(record.payload.toString()) as Input; // the world wrote it
}
