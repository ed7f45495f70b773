/**
 * The connection to one foreign server: made when it is needed, made again when it is lost.
 *
 *   not-connected -> connecting -> connected -> discovering -> ready
 *                       |   \-> authenticating (a person has to agree) -> not-connected
 *                       \-> failed -> connecting (the next time it is needed)
 *
 * I1 At most one attempt runs; whoever needs the server waits for that one.
 * I2 A client belongs to the phases `connected` to `ready`; whoever leaves them closes it.
 */
import type { Client, ElicitRequest, ElicitResult, Transport } from '@modelcontextprotocol/client';
import { fullJitterMs } from '../../../base/backoff.ts';
import { outside, type Clock } from '../../../base/clock.ts';
import { BridgeError } from '../../../base/errors.ts';
import { limits } from '../../../base/limits.ts';
import type { Log } from '../../../base/log.ts';
import { MessageMeter } from './bounded-stream.ts';
import { cleanCatalogue, type McpCatalogue } from './catalogue.ts';
import type { ConnectGate } from './connect-gate.ts';
import { asMcpError, isWorthRetrying } from './failures.ts';
import { readLists } from './discovery.ts';
import { isOutdated } from './listed-tools.ts';
import type { McpState, Phase } from './phase.ts';
import type { McpProcesses } from './processes.ts';
import type { McpServerRow, McpStorage } from './server-row.ts';
import { closeQuietly, createMcpClient, createTransport, type HttpAccess } from './transports.ts';

export interface ConnectionContext {
  readonly storage: McpStorage;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly gate: ConnectGate;
  readonly processes: McpProcesses;
  readonly connectMs: number;
  readonly client: { readonly name: string; readonly version: string };
  /** Null for stdio. `connection`: whose bytes it reads. */
  accessOf(connection: McpConnection): HttpAccess | null;
  onChange(): void;
  /** A 2025 server asks a person, within a call. Never rejects. */
  onQuestion(serverId: string, params: ElicitRequest['params'], signal: AbortSignal): Promise<ElicitResult>;
}

export class McpConnection {
  readonly #context: ConnectionContext;
  readonly #access: HttpAccess | null;
  #row: McpServerRow;
  #phase: Phase;
  #attempt: Promise<Client> | undefined;
  #refreshDue: (() => void) | undefined;
  /** Requests given up that the server may still be answering. */
  #abandoned = 0;
  #isClosed = false;

  constructor(row: McpServerRow, context: ConnectionContext) {
    this.#row = row;
    this.#context = context;
    this.#access = context.accessOf(this);
    this.#phase = { kind: row.authUrl === null ? 'not-connected' : 'authenticating' };
  }

  get row(): McpServerRow {
    return this.#row;
  }

  get state(): McpState {
    return this.#phase.kind;
  }

  /** Why it was given up. */
  get failure(): BridgeError | null {
    return this.#phase.kind === 'failed' ? this.#phase.error : null;
  }

  get access(): HttpAccess | null {
    return this.#access;
  }

  /** Whether what it offered last may be out of date. */
  get isStale(): boolean {
    return isOutdated(this.#row.catalogue, this.#context.clock.now());
  }

  /** Whether an attempt to connect runs. */
  get isBusy(): boolean {
    return this.#attempt !== undefined;
  }

  /** The client, connected first if need be. @throws BridgeError BRG_MCP_* */
  async ready(): Promise<Client> {
    if (this.#isClosed)
      throw new BridgeError('BRG_MCP_UNAVAILABLE', `${this.#row.name}: its agent has gone to sleep`);
    if (this.#phase.kind === 'ready') return this.#phase.client;
    if (this.#phase.kind === 'authenticating') throw this.#unauthorized();
    // In no author's asynchronous flow, whoever happened to need it first.
    this.#attempt ??= outside(() => this.#context.gate.run(() => this.#connect())).finally(() => {
      this.#attempt = undefined;
      this.#context.onChange();
    });
    return this.#attempt;
  }

  /** A person has authorized it, or has not. */
  authorized(isAuthorized: boolean, reason: string): void {
    this.#save({ authUrl: null });
    const error = new BridgeError('BRG_MCP_AUTHORIZATION', `${this.#row.name} was not authorized: ${reason}`);
    this.#set(isAuthorized ? { kind: 'not-connected' } : { kind: 'failed', error });
  }

  /** A person has to go there. */
  authorizing(authUrl: string): void {
    this.#save({ authUrl });
  }

  /**
   * A call was given up. To a 2025 server it is only said (`notifications/cancelled`), and each that does not heed it
   * holds a socket: after as many as there may be calls, all go.
   */
  abandon(): void {
    const phase = this.#phase;
    if (!('client' in phase) || phase.client.getProtocolEra() !== 'legacy') return;
    if (this.#row.target.kind === 'http' && ++this.#abandoned >= limits.mcpCallsMax) this.drop();
  }

  /** Gives the connection up, because of `error` if there is one; the next `ready()` makes another. */
  drop(error?: BridgeError): void {
    const phase = this.#phase;
    if (error !== undefined) this.#set({ kind: 'failed', error });
    else if (phase.kind !== 'authenticating') this.#set({ kind: 'not-connected' });
    if ('client' in phase) void closeQuietly(phase.client);
  }

  /** For good: its agent goes to sleep, or the server was removed. */
  close(): void {
    this.#isClosed = true;
    this.#refreshDue?.();
    this.drop();
    this.#access?.fetch.close();
  }

  async #connect(): Promise<Client> {
    try {
      const client = await this.#open();
      this.#abandoned = 0;
      this.#set({ kind: 'connected', client });
      this.#assertOpen(client);
      if (this.isStale) await this.#discover(client);
      this.#assertOpen(client);
      this.#set({ kind: 'ready', client });
      return client;
    } catch (error) {
      const failure = this.failure ?? asMcpError(error, this.#row.name);
      this.drop(this.#row.authUrl === null ? failure : undefined);
      if (this.#row.authUrl !== null) this.#set({ kind: 'authenticating' });
      throw this.#row.authUrl === null ? failure : this.#unauthorized();
    }
  }

  async #open(): Promise<Client> {
    const { retry, name, target } = this.#row;
    const where = target.kind === 'http' ? target.url : target.command;
    for (let attempt = 1; ; attempt++) {
      this.#set({ kind: 'connecting' });
      try {
        return await this.#openOnce();
      } catch (error) {
        const failure = asMcpError(error, name);
        const isLast = attempt >= retry.maxAttempts || !isWorthRetrying(failure);
        if (isLast || this.#row.authUrl !== null || this.#isClosed) {
          const message = `Failed to connect to MCP server at ${where}: ${failure.message}`;
          throw new BridgeError(failure.code, message, { cause: failure });
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        const { clock, random } = this.#context;
        clock.after(fullJitterMs(attempt, retry.baseDelayMs, retry.maxDelayMs, random), resolve);
        await promise;
      }
    }
  }

  async #openOnce(): Promise<Client> {
    const stop = Promise.withResolvers<never>();
    const { transport, client } = this.#prepared((error) => {
      stop.reject(error);
      this.drop(error);
    });
    const { connectMs, clock } = this.#context;
    const late = clock.after(connectMs, () =>
      stop.reject(new BridgeError('BRG_MCP_TIMEOUT', `no answer within ${connectMs} ms`)),
    );
    const options = { timeout: connectMs, maxTotalTimeout: connectMs };
    // What it spoke when it was last looked at; asking costs a round, and with stdio a process.
    const isLegacy = this.#row.era === 'legacy' && !this.isStale;
    const connected = client.connect(
      transport,
      isLegacy ? { ...options, prior: { kind: 'legacy' } } : options,
    );
    try {
      await Promise.race([connected, stop.promise]);
    } catch (error) {
      connected.catch(() => undefined); // closing ends it
      await closeQuietly(client);
      throw error;
    } finally {
      late();
    }
    this.#watch(client, transport);
    this.#save({ era: client.getProtocolEra() ?? null });
    return client;
  }

  #prepared(onBreach: (error: BridgeError) => void): { transport: Transport; client: Client } {
    const context = this.#context;
    const client = createMcpClient(context.client, context.connectMs, () => this.#refresh());
    const { id, target } = this.#row;
    client.setRequestHandler('elicitation/create', ({ params }, { mcpReq }) =>
      context.onQuestion(id, params, mcpReq.signal),
    );
    client.onerror = (error) => context.log.debug({ server: id, err: error.message }, 'mcp server error');
    return { client, transport: createTransport(target, this.#access, context, onBreach) };
  }

  /** What the server does from now on without being asked. */
  #watch(client: Client, transport: Transport): void {
    const { clock, log } = this.#context;
    const meter = new MessageMeter(clock.now());
    const receive = transport.onmessage;
    transport.onmessage = (message, extra) => {
      if (!meter.isFlood(clock.now())) return receive?.(message, extra);
      if (this.#isOf(client))
        this.drop(new BridgeError('BRG_MCP_ANSWER', `${this.#row.name} floods us with messages`));
    };
    client.onclose = () => {
      if (!this.#isOf(client)) return;
      log.debug({ server: this.#row.id }, 'mcp server disappeared');
      this.#set({ kind: 'not-connected' });
    };
  }

  async #discover(client: Client): Promise<void> {
    this.#set({ kind: 'discovering', client });
    try {
      this.#keep(cleanCatalogue(await readLists(client), this.#context.clock.now()));
    } catch (error) {
      const failure = asMcpError(error, this.#row.name);
      throw new BridgeError(failure.code, `Failed to discover ${this.#row.name}: ${failure.message}`, {
        cause: failure,
      });
    }
  }

  /** Reads the lists again, soon, and once however often it is said. */
  #refresh(): void {
    const phase = this.#phase;
    if (this.#refreshDue !== undefined || phase.kind !== 'ready') return;
    const { clock, log } = this.#context;
    this.#refreshDue = clock.after(limits.mcpRefreshMs, () => {
      this.#refreshDue = undefined;
      if (!this.#isOf(phase.client)) return;
      readLists(phase.client)
        .then((raw) => this.#keep(cleanCatalogue(raw, clock.now())))
        .catch((error: unknown) =>
          log.debug({ server: this.#row.id, err: String(error) }, 'mcp lists not read'),
        );
    });
  }

  #keep(catalogue: McpCatalogue): void {
    this.#save({ catalogue });
    this.#context.onChange();
  }

  #save(part: Partial<McpServerRow>): void {
    this.#row = { ...this.#row, ...part };
    if (!this.#isClosed) this.#context.storage.saveServer(this.#row);
  }

  #set(phase: Phase): void {
    this.#phase = phase;
    this.#context.onChange();
  }

  #isOf(client: Client): boolean {
    return 'client' in this.#phase && this.#phase.client === client;
  }

  #assertOpen(client: Client): void {
    if (!this.#isClosed && this.#isOf(client)) return;
    void closeQuietly(client);
    throw new BridgeError('BRG_MCP_UNAVAILABLE', `${this.#row.name} disappeared`);
  }

  #unauthorized(): BridgeError {
    const { name, authUrl } = this.#row;
    return new BridgeError('BRG_MCP_AUTHORIZATION', `${name} has to be authorized by a person first`, {
      details: { authUrl },
    });
  }
}
