/**
 * Runs INSIDE a sandbox, before the program and in the same realm: makes the realm deterministic and empty, offers
 * `env`, and turns calls into frames. It holds no secret and no authority: everything it may send the program may
 * send too, and the host treats every frame as the program's own. What it uses after the program has started it
 * captured before. Its text and that of realm.ts are handed to two engines; QuickJS gets them as one script.
 */
import {
  apply,
  defineProperty,
  emptyRealm,
  fixTime,
  freeze,
  isLonger,
  join,
  named,
  RealError,
  seedRandom,
  setGlobal,
  slice,
} from './realm.ts';

/** What an engine gives it. */
export interface GuestPort {
  send(text: string): void;
  later(callback: () => void, delayMs: number): void;
  /** The function of a program's text. Throws SyntaxError. */
  compile(code: string): (env: unknown) => unknown;
}

interface StartFrame {
  readonly kind: 'run';
  readonly code: string;
  readonly seed: number;
  readonly nowMs: number;
  readonly tools: readonly (readonly [namespace: string, names: readonly string[]])[];
  readonly argumentBytesMax: number;
  readonly resultBytesMax: number;
  readonly logLinesMax: number;
  readonly logBytesMax: number;
  readonly timersMax: number;
}

interface AnswerFrame {
  readonly kind: 'answer';
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

interface PendingCall {
  /** The stack of the call: its answer comes when nothing of the program is on the stack. */
  readonly stack: unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

const { parse, stringify } = JSON;
const { create } = Object;
const [RealPromise, text] = [Promise, String];
const [mapGet, mapSet, mapDelete] = [Map.prototype.get, Map.prototype.set, Map.prototype.delete];

function describe(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof RealError) return `${value.name}: ${value.message}`;
  try {
    return stringify(value) ?? text(value);
  } catch {
    return typeof value;
  }
}

/** Cuts hostile text; an error's own fields may be anything, getters that throw included. */
function field(value: unknown, name: string, charactersMax: number): string {
  try {
    const found = (value as Record<string, unknown> | null | undefined)?.[name]; // any value can be thrown
    return typeof found === 'string' ? apply(slice, found, [0, charactersMax]) : '';
  } catch {
    return '';
  }
}

class Guest {
  readonly #port: GuestPort;
  readonly #pending = new Map<number, PendingCall>();
  #calls = 0;
  #waiting = 0;
  #timers = 0;
  #logLines = 0;
  #logBytes = 0;
  #hasEnded = false;
  #isTurnOpen = false;
  #start: StartFrame | undefined;

  constructor(port: GuestPort) {
    this.#port = port;
  }

  receive(line: string): void {
    const frame = parse(line) as StartFrame | AnswerFrame; // the host wrote it
    if (frame.kind === 'run') this.#run(frame);
    else this.#answer(frame);
  }

  #run(start: StartFrame): void {
    this.#start = start;
    seedRandom(start.seed);
    fixTime(start.nowMs);
    this.#offerConsole();
    this.#offerTimers();
    void this.#finish(start.code, this.#environment(start)); // never rejects
  }

  async #finish(code: string, env: unknown): Promise<void> {
    let program: (env: unknown) => unknown;
    try {
      program = this.#port.compile(code);
    } catch (error) {
      this.#end({
        error: { code: 'syntax', message: field(error, 'message', 2000), stack: field(error, 'stack', 4000) },
      });
      return;
    }
    this.#watch();
    try {
      let value = await program(env);
      if (typeof value === 'function')
        value = (await apply(value as () => unknown, undefined, [env])) as unknown; // a program may be a function
      this.#endWith(value);
    } catch (error) {
      this.#end({ error: this.#thrown(error) });
    }
  }

  #thrown(error: unknown): object {
    const message =
      field(error, 'message', 2000) ||
      (typeof error === 'string' ? apply(slice, error, [0, 2000]) : 'the program threw no error');
    const code = field(error, 'code', 64);
    const name = field(error, 'name', 64);
    return { code: 'threw', name, toolCode: code, message, stack: field(error, 'stack', 4000) };
  }

  #endWith(value: unknown): void {
    let json: string | undefined;
    try {
      json = stringify(value);
    } catch (error) {
      this.#end({
        error: { code: 'result', message: `the result is not JSON: ${field(error, 'message', 500)}` },
      });
      return;
    }
    if (json !== undefined && isLonger(json, this.#start?.resultBytesMax ?? 0)) {
      this.#end({
        error: {
          code: 'result',
          message: `the result has more than ${this.#start?.resultBytesMax} bytes: return less`,
        },
      });
    } else {
      this.#end({ value: json ?? 'null' });
    }
  }

  #end(outcome: object): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#port.send(stringify({ __proto__: null, kind: 'end', ...outcome }));
  }

  /** A program that waits while no call and no timer is open waits for ever. */
  #watch(): void {
    this.#port.later(() => {
      if (this.#hasEnded) return;
      if (this.#waiting > 0 || this.#timers > 0) return this.#watch();
      const message = 'the program waits for something that never happens';
      this.#end({ error: { code: 'stuck', message } });
    }, 50);
  }

  #answer({ id, value, error }: AnswerFrame): void {
    const call = apply(mapGet, this.#pending, [id]) as PendingCall | undefined; // values of this map
    if (call === undefined) return;
    apply(mapDelete, this.#pending, [id]);
    this.#waiting--;
    if (error === undefined) return call.resolve(value);
    const failure = new RealError(error.message);
    defineProperty(failure, 'name', { value: 'ToolError', configurable: true });
    defineProperty(failure, 'code', { value: error.code, enumerable: true });
    defineProperty(failure, 'stack', { value: call.stack, configurable: true });
    call.reject(failure);
  }

  #call(namespace: string, tool: string, args: unknown): Promise<unknown> {
    return new RealPromise((resolve, reject) => {
      const json = args === undefined ? '{}' : stringify(args);
      if (json === undefined) throw new RealError(`${namespace}.${tool}: the arguments are not JSON`);
      if (isLonger(json, this.#start?.argumentBytesMax ?? 0))
        throw new RealError(`${namespace}.${tool}: the arguments are too large`);
      const id = this.#calls++;
      const { stack } = new RealError();
      apply(mapSet, this.#pending, [id, { __proto__: null, resolve, reject, stack }]);
      this.#waiting++;
      this.#port.send(stringify({ __proto__: null, kind: 'call', id, namespace, tool, args: json }));
      this.#closeTurn();
    });
  }

  /** Says when the program has made all calls it makes before it waits: those that need people are asked about together. */
  #closeTurn(): void {
    if (this.#isTurnOpen) return;
    this.#isTurnOpen = true;
    this.#port.later(() => {
      this.#isTurnOpen = false;
      this.#port.send('{"kind":"turn"}');
    }, 0);
  }

  #environment({ tools }: StartFrame): unknown {
    const env: Record<string, unknown> = create(null);
    for (const [namespace, names] of tools) {
      const group: Record<string, unknown> = create(null);
      for (const name of names) group[name] = freeze((args?: unknown) => this.#call(namespace, name, args));
      env[namespace] = named(group, `env.${namespace}`);
    }
    return named(env, 'env');
  }

  #offerConsole(): void {
    const lines: Record<string, unknown> = {};
    for (const level of ['debug', 'log', 'info', 'warn', 'error']) {
      lines[level] = (...parts: unknown[]) =>
        this.#log(level === 'debug' || level === 'info' ? 'log' : level, parts);
    }
    setGlobal('console', freeze(lines));
  }

  #log(level: string, parts: unknown[]): void {
    const start = this.#start;
    if (
      start === undefined ||
      this.#hasEnded ||
      this.#logLines >= start.logLinesMax ||
      this.#logBytes >= start.logBytesMax
    )
      return;
    const described: string[] = [];
    for (let i = 0; i < parts.length && i < 50; i++) described[i] = describe(parts[i]);
    const room = start.logBytesMax - this.#logBytes;
    const line: string = apply(slice, apply(join, described, [' ']), [0, room > 0 ? room / 3 + 1 : 0]);
    this.#logLines++;
    this.#logBytes += line.length * 3;
    this.#port.send(stringify({ __proto__: null, kind: 'log', level, text: line }));
  }

  #offerTimers(): void {
    const live = new Map<number, true>();
    let last = 0;
    setGlobal('setTimeout', (callback: unknown, delayMs: unknown, ...args: unknown[]) => {
      if (typeof callback !== 'function') throw new RealError('setTimeout takes a function');
      if (this.#timers >= (this.#start?.timersMax ?? 0)) throw new RealError('too many timers');
      const id = ++last;
      apply(mapSet, live, [id, true]);
      this.#timers++;
      this.#port.later(
        () => {
          if (apply(mapDelete, live, [id]) !== true) return;
          this.#timers--;
          apply(callback as () => void, undefined, args); // checked above
        },
        typeof delayMs === 'number' && delayMs > 0 ? delayMs : 0,
      );
      return id;
    });
    setGlobal('clearTimeout', (id: unknown) => {
      if (apply(mapDelete, live, [id]) === true) this.#timers--;
    });
  }
}

/** Empties the realm and answers the function that takes the host's frames, one JSON text each. */
export function prepare(port: GuestPort): (line: string) => void {
  emptyRealm();
  const guest = new Guest(port);
  port.send('{"kind":"ready"}');
  return (line) => guest.receive(line);
}
