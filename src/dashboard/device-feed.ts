/**
 * One device's page data: its description, live values, commands and alerts, and the log of its own CBOR
 * connection. Frames change plain fields; listeners hear of it once per animation frame.
 */
import { agentPath, asProblem, getJson } from './api.ts';
import type { Problem } from './api.ts';
import type { AgentDescription, AlertItem, CommandItem, Presence, RejectedItem } from './api-types.ts';
import { ChatFeed } from './chat-feed.ts';
import { FrameLog } from './frame-log.ts';
import { Observable } from './observable.ts';
import { OversightFeed } from './oversight-feed.ts';
import { BridgeSocket } from './socket.ts';
import type { LinkState } from './socket.ts';
import { applyMergePatch, isObject } from './twin.ts';
import type { Frame } from '../wire/index.ts';

const LIST_MAX = 50;
/** Telemetry frames that may pile up before a listener that sleeps (a hidden tab) loses the oldest. */
const PENDING_SAMPLES_MAX = 1000;

export type DeviceLoad =
  | { readonly kind: 'loading' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly problem: Problem };

export interface Sample {
  readonly ts: number;
  readonly values: Readonly<Record<string, unknown>>;
}

export class DeviceFeed {
  readonly model: string;
  readonly id: string;
  readonly load = new Observable<DeviceLoad>({ kind: 'loading' });
  readonly link = new Observable<LinkState>({ kind: 'connecting' });
  readonly description = new Observable<AgentDescription | null>(null);
  readonly commands = new Observable<readonly CommandItem[] | null>(null);
  readonly alerts = new Observable<readonly AlertItem[] | null>(null);
  readonly rejected = new Observable<readonly RejectedItem[] | null>(null);
  /** Samples since the last flush; a listener reads them all. */
  readonly samples = new Observable<readonly Sample[]>([]);
  /** Moves when history is worth reading: once the link is up (or failed), then after each reconnect. */
  readonly historyCue = new Observable(0);
  readonly chat: ChatFeed;
  /** What waits for a person, and what was done. */
  readonly oversight: OversightFeed;
  readonly log = new FrameLog();
  readonly logTick = new Observable(0);
  #socket: BridgeSocket | null = null;
  #closed = false;
  #next: AgentDescription | null = null;
  #pending: Sample[] = [];
  #frameRequested = false;

  constructor(model: string, id: string) {
    this.model = model;
    this.id = id;
    this.chat = new ChatFeed({
      path: this.path('/messages'),
      send: (frame) => this.#socket?.send(frame) ?? false,
    });
    this.oversight = new OversightFeed(model, id);
    void this.refresh(); // never rejects
  }

  close(): void {
    this.#closed = true;
    this.oversight.close();
    this.#socket?.close();
  }

  path(rest = ''): string {
    return agentPath(this.model, this.id, rest);
  }

  /** Reads everything but history again; never rejects. */
  async refresh(): Promise<void> {
    try {
      this.#set(await getJson<AgentDescription>(this.path()));
      this.load.set({ kind: 'ready' });
      this.#connect();
    } catch (error) {
      this.load.set({ kind: 'failed', problem: asProblem(error) });
      return;
    }
    await Promise.all([
      this.refreshCommands(),
      this.#readAlerts(),
      this.#readRejected(),
      this.oversight.refresh(),
    ]);
  }

  /** Only once the agent is known: on an open bridge a connection would create it, and a typo is no device. */
  #connect(): void {
    if (this.#socket !== null || this.#closed) return;
    let wasLost = false;
    this.#socket = new BridgeSocket(
      `agents/${encodeURIComponent(this.model)}/${encodeURIComponent(this.id)}`,
      {
        onFrame: (frame, bytes) => this.#onFrame(frame, bytes),
        onLink: (state) => {
          this.link.set(state);
          if (state.kind === 'waiting') wasLost = true;
          if (state.kind === 'live' && wasLost) void this.refresh(); // never rejects; what was missed meanwhile
          if (state.kind === 'live' && this.#next?.canChat === true) void this.chat.connected(); // never rejects
          const cue = this.historyCue.value;
          if (state.kind === 'live' || (state.kind === 'waiting' && cue === 0)) this.historyCue.set(cue + 1);
        },
      },
    );
  }

  /** Reads the commands again; never rejects. */
  async refreshCommands(): Promise<void> {
    await this.#readList('commands', this.commands);
  }

  async #readAlerts(): Promise<void> {
    await this.#readList('alerts', this.alerts);
  }

  async #readRejected(): Promise<void> {
    await this.#readList('rejected', this.rejected);
  }

  async #readList<T>(name: string, into: Observable<readonly T[] | null>): Promise<void> {
    try {
      into.set((await getJson<{ items: readonly T[] }>(this.path(`/${name}?limit=${LIST_MAX}`))).items);
    } catch (error) {
      console.warn(`${name} not read`, error); // the list keeps what it had; the link state says why
    }
  }

  #onFrame(frame: Frame, bytes: Uint8Array): void {
    this.log.add(frame, bytes, Date.now());
    this.#apply(frame);
    this.chat.receive(frame);
    this.oversight.receive(frame);
    this.#request();
  }

  /** Types the page has no use for only appear in the log. */
  #apply(frame: Frame): void {
    const now = Date.now();
    if (frame.type === 'mooring_telemetry') {
      if (this.#pending.length >= PENDING_SAMPLES_MAX) this.#pending.shift();
      this.#pending.push({ ts: frame.ts ?? now, values: isObject(frame.values) ? frame.values : {} });
      const old = this.#next;
      if (old) this.#patch({ lastSeen: now, messages: old.messages + 1, presence: 'online', awake: true });
    } else if (frame.type === 'cf_agent_state') {
      this.#patch({ state: frame.state });
    } else if (frame.type === 'mooring_state_patch') {
      this.#patch({ state: applyMergePatch(this.#next?.state, frame.patch) });
    } else if (frame.type === 'mooring_presence') {
      // as: the bridge sends one of the three.
      this.#patch({ presence: frame.presence as Presence });
    } else if (frame.type === 'mooring_twin') {
      const { reported, desired, delta, version } = frame;
      this.#patch({ reported, desired, delta, version });
    } else if (frame.type === 'mooring_command') {
      void this.refreshCommands(); // never rejects
    } else if (frame.type === 'mooring_alert') {
      void this.#readAlerts(); // never rejects
    } else if (frame.type === 'mooring_rejected') {
      void this.#readRejected(); // never rejects
    }
  }

  #patch(change: Partial<AgentDescription>): void {
    if (this.#next !== null) this.#next = { ...this.#next, ...change };
  }

  #set(description: AgentDescription): void {
    this.#next = description;
    this.description.set(description);
  }

  #request(): void {
    if (this.#frameRequested) return;
    this.#frameRequested = true;
    requestAnimationFrame(() => {
      this.#frameRequested = false;
      this.chat.flush();
      if (this.#next !== null) this.description.set(this.#next);
      if (this.#pending.length > 0) {
        const samples = this.#pending;
        this.#pending = [];
        this.samples.set(samples);
      }
      this.logTick.set(this.logTick.value + 1);
    });
  }
}
