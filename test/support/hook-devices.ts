/** Agents whose hooks do what the query of a connection, the state, or a call tells them. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Agent,
  DeviceAgent,
  getCurrentAgent,
  type AgentConnection,
  type ConnectContext,
  type ConnectionCapability,
  type AgentClasses,
  type ProtocolDecision,
  type StreamingResponse,
} from '../../src/agent/index.ts';
import { defineDevice, numeric, text } from '../../src/device/index.ts';

/** Where agents in this thread leave what happened to them. */
export const notes: string[] = [];

const initialStates: Record<string, unknown> = { zero: 0, empty: '', false: false, null: null, list: [1] };

function queryOf({ uri }: ConnectContext): URLSearchParams {
  return new URL(uri, 'ws://x').searchParams;
}

/** An agent without a device. */
class RoomAgent extends Agent {
  static callables = Object.fromEntries(
    [
      'set',
      'trySet',
      'mutate',
      'setThenFail',
      'big',
      'tagged',
      'memory',
      'can',
      'readonly',
      'protocol',
      'allow',
    ]
      .concat(['who', 'whoLater', 'queueWho', 'leave', 'leaveThenFail', 'setBetween', 'keep', 'odd'])
      .map((name) => [name, {}])
      .concat([['whoStream', { streaming: true }]]),
  ) as Record<string, object>;

  override initialState: unknown = initialStates[this.name];

  note(what: string): void {
    notes.push(`${this.name} ${what}`);
  }

  override onStart(): void {
    this.note('onStart');
  }

  override validateStateChange(next: unknown): void | Promise<void> {
    const { refuse, slow } = (next ?? {}) as { refuse?: string; slow?: number }; // as tests send it
    if (refuse === 'sync') throw new Error('secret');
    if (refuse === 'async') return Promise.reject(new Error('secret'));
    if (refuse === 'never') return new Promise(() => undefined);
    return slow === undefined ? undefined : sleep(slow);
  }

  override onStateChanged(state: unknown, source: 'server' | AgentConnection): void {
    this.note(
      `onStateChanged ${JSON.stringify(state)?.slice(0, 80)} ${source === 'server' ? source : 'client'}`,
    );
    if ((state as { fail?: unknown } | null)?.fail === true) throw new Error('onStateChanged');
  }

  override async getConnectionTags(_connection: AgentConnection, context: ConnectContext): Promise<string[]> {
    const tags = queryOf(context).get('tags');
    await sleep(1);
    return tags === null ? [] : (JSON.parse(tags) as string[]);
  }

  override shouldConnectionBeReadonly(
    _connection: AgentConnection,
    context: ConnectContext,
  ): boolean | Promise<boolean> {
    const readonly = queryOf(context).get('readonly');
    if (readonly === 'rejects') return Promise.reject(new Error('no decision'));
    return readonly === 'later' ? sleep(1, true) : readonly !== null;
  }

  override getConnectionCapabilities(
    connection: AgentConnection,
    context: ConnectContext,
  ): readonly ConnectionCapability[] | Promise<readonly ConnectionCapability[]> {
    const can = queryOf(context).get('can');
    if (can === 'throws') throw new Error('no decision');
    if (can === null) return super.getConnectionCapabilities(connection, context);
    return sleep(1, can.split(',') as ConnectionCapability[]); // also wrong ones
  }

  override async shouldSendProtocolMessages(
    _connection: AgentConnection,
    context: ConnectContext,
  ): Promise<ProtocolDecision> {
    return sleep(1, queryOf(context).get('mode') !== 'none');
  }

  override async onConnect(connection: AgentConnection, context: ConnectContext): Promise<void> {
    const query = queryOf(context);
    this.note(`onConnect ${connection.tags.join()}`);
    await sleep(10);
    if (query.get('fail') === 'connect') throw new Error('onConnect');
    this.note('onConnect ended');
  }

  override onMessage(_connection: AgentConnection, message: unknown): void {
    this.note(`onMessage ${String(message)}`);
    if (message === 'fail') throw undefined;
  }

  override onClose(_connection: AgentConnection, code: number, _reason: string, wasClean: boolean): void {
    this.note(`onClose ${code} ${wasClean}`);
  }

  override onError(connectionOrError: unknown, error?: unknown): void {
    const [connection, cause] =
      connectionOrError instanceof Object && 'codec' in connectionOrError
        ? ['connection', error]
        : ['-', connectionOrError];
    this.note(`onError ${connection} ${cause instanceof Error ? cause.message : String(cause)}`);
  }

  // --- callables ---------------------------------------------------------------------------------

  set(state: unknown): unknown {
    this.setState(state);
    return this.state ?? null;
  }

  async trySet(state: unknown): Promise<string> {
    try {
      await this.setStateAsync(state);
      return 'taken';
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** The sloppy way: the same object, changed in place. */
  mutate(key: string, value: unknown): void {
    const state = this.state as { deep: Record<string, unknown> };
    state.deep[key] = value;
    this.setState(state);
  }

  setThenFail(state: unknown): void {
    this.setState(state);
    throw new Error('after the change');
  }

  /** A state whose JSON has this many characters, made here: no client could send it. */
  big(characters: number): number {
    this.setState('x'.repeat(characters - 2));
    return (this.state as string).length;
  }

  /** States that are no JSON values; the texts of their errors. */
  odd(): string[] {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    return [undefined, cycle, 1n, () => 1].map((state) => {
      try {
        this.setState(state);
        return 'taken';
      } catch (error) {
        return (error as { code?: string }).code ?? 'no code';
      }
    });
  }

  tagged(tag: string): string[] {
    return this.getConnections(tag).map(({ id }) => id);
  }

  memory(): { state: unknown; id: string } {
    const { connection } = getCurrentAgent();
    return { state: connection?.state, id: connection?.id ?? '' };
  }

  keep(value: unknown): unknown {
    const { connection } = getCurrentAgent();
    if (value !== 'count') return connection?.setState(value);
    return connection?.setState((n: unknown) => (typeof n === 'number' ? n + 1 : 1));
  }

  can(capability: ConnectionCapability): boolean {
    return getCurrentAgent().connection?.can(capability) === true;
  }

  readonly(id: string, isReadonly: boolean): boolean {
    const connection = this.getConnection(id);
    if (connection === undefined) return false;
    this.setConnectionReadonly(connection, isReadonly);
    return this.isConnectionReadonly(connection);
  }

  allow(id: string, capabilities: ConnectionCapability[]): void {
    this.getConnection(id)?.setCapabilities(capabilities);
  }

  protocol(id: string, decision: ProtocolDecision): boolean {
    const connection = this.getConnection(id);
    if (connection === undefined) return false;
    connection.setProtocol(decision);
    return this.isConnectionProtocolEnabled(connection);
  }

  who(): string {
    const { agent, connection, request } = getCurrentAgent<RoomAgent>();
    return `${agent?.name} ${connection === undefined ? 'nobody' : 'connection'} ${request}`;
  }

  async whoLater(): Promise<string> {
    await sleep(1);
    return this.who();
  }

  async whoStream(stream: StreamingResponse): Promise<void> {
    stream.send(this.who());
    stream.end(await this.whoLater());
  }

  queueWho(): void {
    this.queue('noteWho');
  }

  noteWho(): void {
    this.note(`noteWho ${this.who()}`);
  }

  setBetween(): void {
    this.setState({ step: 1 });
    this.broadcast('between');
    this.setState({ step: 2 });
  }

  leave(): Promise<void> {
    this.setState('gone');
    return this.destroy();
  }

  leaveThenFail(): void {
    void this.destroy(); // never rejects
    throw new Error('after leaving');
  }
}

/** Overrides `onError` for the error alone. */
class PlainErrorAgent extends Agent {
  override onMessage(): void {
    throw new Error('hook');
  }

  override onError(error: unknown): void {
    notes.push(`${this.name} onError ${String(error)}`);
    throw new Error('onError');
  }
}

class MeterAgent extends DeviceAgent {
  static callables = { note: {} };

  note(value: string): void {
    this.setState({ ...this.state, note: value });
  }
}

const shape = {
  vendor: 'Test',
  description: 'a model for tests',
  metrics: [
    numeric('x', { min: -1e6, max: 1e6 }),
    text('note', { bytesMax: 64 }),
    text('long', { bytesMax: 200 }),
  ],
  commands: [],
  sample: { x: 1, note: 'fine', long: '' },
};

export const definitions = [defineDevice({ ...shape, model: 'meter', agent: 'meter-agent' })];

export const agents: AgentClasses = { room: RoomAgent, errors: PlainErrorAgent, 'meter-agent': MeterAgent };
