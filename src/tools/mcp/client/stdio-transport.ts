/**
 * A server that is a process: JSON-RPC messages, a line each, on its stdin and stdout. The SDK's own transport parses
 * whatever comes for as long as it comes; here it is counted first.
 *
 *   starting -> open -> closing (its stdin has ended; it gets `mcpStopMs`, a signal, and as long again) -> ended
 *                   \-> ended at once: it breached a bound
 *
 * I1 Nothing is parsed that was not counted: bytes, lines, and the length of one line. Too much is a breach.
 * I2 Once it closes, nothing more is read, and nobody waits for the process.
 * I3 It is ended with all it has started: they are one process group, and may hold its pipes.
 * I4 What the server does not read is bounded: more is a breach.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { deserializeMessage, SdkError, SdkErrorCode, serializeMessage } from '@modelcontextprotocol/client';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import type { Clock } from '../../../base/clock.ts';
import { BridgeError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import { AnswerMeter, MessageMeter } from './bounded-stream.ts';
import type { McpProcesses } from './processes.ts';

const NEWLINE = 0x0a;

export interface StdioCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole of what it sees. */
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** Where it is known for as long as it runs. */
  readonly processes: McpProcesses;
  /** Told when the server does more than it may; it has ended then. */
  onBreach(error: BridgeError): void;
}

export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport['onmessage'];

  /**
   * The SDK asks a server first what it speaks, in a process of its own, because older ones end when they are asked. It
   * makes that process from a transport's `_serverParams`, and ends it by its prototype's `_dispose`.
   */
  readonly _serverParams: StdioCommand;
  readonly #bytes: AnswerMeter;
  readonly #lines: MessageMeter;
  /** The line that has begun. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #process: ChildProcess | undefined;
  readonly #exited = Promise.withResolvers<void>();
  #isClosed = false;

  constructor(params: StdioCommand) {
    this._serverParams = params;
    const nowMs = params.clock.now();
    this.#bytes = new AnswerMeter(true, nowMs);
    this.#lines = new MessageMeter(nowMs);
  }

  /** By these two the SDK knows that it is a process. */
  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  get stderr(): null {
    return null;
  }

  /** Starts the process. Rejects when it cannot be started. */
  start(): Promise<void> {
    const { command, args, env, processes } = this._serverParams;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const child = spawn(command, args, {
      env: { ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: process.platform !== 'win32', // I3
      windowsHide: true,
    });
    this.#process = child;
    processes.add({ exited: this.#exited.promise, signal: (signal) => this.#signal(signal) });
    child.once('spawn', resolve);
    child.once('error', (error) => {
      reject(error);
      this.#ended();
    });
    child.once('exit', () => {
      this.#exited.resolve();
      // What it said last may be on its way still; who holds its pipe must not hold us.
      this._serverParams.clock.after(limits.mcpDrainMs, () => this.#ended());
    });
    child.once('close', () => this.#ended());
    for (const stream of [child.stdin, child.stdout]) stream?.on('error', (error) => this.onerror?.(error));
    child.stdout?.on('data', (piece: Buffer) => this.#receive(piece));
    return promise;
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#process?.stdin;
    if (this.#isClosed || stdin == null || !stdin.writable)
      return Promise.reject(new SdkError(SdkErrorCode.NotConnected, 'the process has ended'));
    if ('method' in message && 'id' in message) this.#bytes.expectAnswer();
    stdin.write(serializeMessage(message));
    if (stdin.writableLength > limits.mcpUnreadBytesMax) this.#breach('does not read what it is sent'); // I4
    return Promise.resolve();
  }

  /** Resolves at once: the process has its time to end, and is ended then. */
  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#stopReading();
      this.#process?.stdin?.end();
      const { clock } = this._serverParams;
      const cancel = clock.after(limits.mcpStopMs, () => this.#signal('SIGTERM'));
      const cancelKill = clock.after(2 * limits.mcpStopMs, () => this.#signal('SIGKILL'));
      void this.#exited.promise.then(() => {
        cancel();
        cancelKill();
        this.#signal('SIGKILL'); // I3: what it has left behind
      });
      this.onclose?.();
    }
    return Promise.resolve();
  }

  /** Ends a process that was only asked what it speaks. Resolves when it has ended. */
  async _dispose(): Promise<void> {
    this.#stopReading();
    if (this.#process?.pid === undefined) return; // it did not start
    this.#process.stdin?.end();
    this.#signal('SIGTERM');
    const cancel = this._serverParams.clock.after(limits.mcpDrainMs, () => this.#signal('SIGKILL'));
    await this.#exited.promise;
    cancel();
    this.#signal('SIGKILL'); // I3: what it has left behind
  }

  /** I1 */
  #receive(piece: Buffer): void {
    if (this.#isClosed) return;
    const nowMs = this._serverParams.clock.now();
    const tooMuch = this.#bytes.count(piece.length, nowMs);
    if (tooMuch !== undefined) return this.#breach('floods us with bytes');
    let from = 0;
    for (let to = piece.indexOf(NEWLINE); to !== -1; to = piece.indexOf(NEWLINE, from)) {
      if (this.#lines.isFlood(nowMs)) return this.#breach('floods us with messages');
      const line = this.#lineTo(piece.subarray(from, to));
      from = to + 1;
      this.#deliver(line);
      if (this.#isClosed) return; // by who got the message
    }
    this.#pieces.push(piece.subarray(from));
    this.#pieceBytes += piece.length - from;
    if (this.#pieceBytes > limits.mcpAnswerBytesMax) this.#breach('says more in one message than is read');
  }

  #lineTo(last: Buffer): string {
    const line = Buffer.concat([...this.#pieces, last]).toString('utf8');
    this.#pieces = [];
    this.#pieceBytes = 0;
    return line;
  }

  #deliver(line: string): void {
    if (line.trim() === '') return;
    let message: JSONRPCMessage;
    try {
      message = deserializeMessage(line);
    } catch (error) {
      // Some print what is meant for a person: no reason to give them up.
      this.onerror?.(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.onmessage?.(message);
  }

  #breach(what: string): void {
    if (this.#isClosed) return;
    this.#stopReading();
    this.#signal('SIGKILL');
    this._serverParams.onBreach(new BridgeError('BRG_MCP_ANSWER', `the server ${what}`));
    this.onclose?.();
  }

  /** The process is gone, whoever wanted it. */
  #ended(): void {
    this.#exited.resolve();
    if (this.#isClosed) return;
    this.#stopReading();
    this.#signal('SIGKILL'); // I3: what it has left behind
    this.onclose?.();
  }

  /** I2 */
  #stopReading(): void {
    this.#isClosed = true;
    this.#pieces = [];
    this.#process?.stdout?.destroy();
  }

  #signal(signal: NodeJS.Signals): void {
    const child = this.#process;
    if (child?.pid === undefined) return;
    try {
      if (process.platform === 'win32') child.kill(signal);
      else process.kill(-child.pid, signal);
    } catch {
      // There is nobody left of the group.
    }
  }
}
