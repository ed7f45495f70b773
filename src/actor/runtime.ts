/** The implementation of `ActorRuntime`: finds the shard of an address and speaks to it in batches. */
import { systemClock, type LoopClock } from '../base/clock.ts';
import { asBridgeError, BridgeError } from '../base/errors.ts';
import { systemChance, type Chance } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { addressKey, parseAddress, type AgentAddress } from '../base/address.ts';
import {
  channelKind,
  EFFECT,
  FLAG_CREATE,
  FLAG_DURABLE,
  FLAG_QOS1,
  FLAG_RESUMED,
  FLAG_RETAIN,
  FLAG_TEXT,
  KIND,
  type EffectRecord,
} from './messages.ts';
import type {
  ActorRuntime,
  CodecName,
  ConnectionDetails,
  ConnectionHandle,
  ConnectionSink,
  Delivery,
  DeviceMessage,
  ListenChannels,
  Publication,
  Readiness,
  RequestOptions,
} from './port.ts';
import { AttachedDevices } from './attached-devices.ts';
import { isForFirst, mergeAnswers } from './merge-answers.ts';
import { mergeReadiness } from './merge-readiness.ts';
import { shardOf } from './placement.ts';
import { OpenConnections, type OpenConnection } from './open-connections.ts';
import { Refusals } from './refusals.ts';
import { RequestTable } from './request-table.ts';
import type { AgentQuestion } from './shard-effects.ts';
import { ShardClient, type StartShard } from './shard-client.ts';

const NO_BYTES = new Uint8Array(0);
const CONNECTION_ID_MAX = 2 ** 32 - 1;

export interface RuntimeOptions {
  /** One per shard. */
  readonly shards: readonly StartShard[];
  /** Unique to this run of the process. */
  readonly runId: string;
  readonly log: Log;
  /** Default `systemClock`. */
  readonly clock?: LoopClock;
  /** Default `systemChance`. */
  readonly chance?: Chance;
  readonly onFatal: (error: Error) => void;
  /** Told of each journal commit: messages in it, and ms from sending to the answer. */
  readonly onCommitted: (count: number, durationMs: number) => void;
}

export class Runtime implements ActorRuntime {
  readonly #shards: ShardClient[];
  readonly #connections = new OpenConnections();
  readonly #devices = new AttachedDevices((key) => this.#shard(key));
  readonly #requests: RequestTable;
  readonly #refusals = new Refusals();
  #publish: (publication: Publication) => void = () => {};
  /** From a random number: a replay means no connection of this run. */
  #lastConnection: number;
  #isStopping = false;

  constructor(options: RuntimeOptions) {
    const { clock = systemClock, chance = systemChance } = options;
    this.#requests = new RequestTable(clock, chance);
    this.#lastConnection = chance.uint32();
    this.#shards = options.shards.map(
      (start, index): ShardClient =>
        new ShardClient(
          `${options.runId}-${index}`,
          start,
          {
            effect: (effect) => this.#effect(effect, index),
            reply: (request, answer) => this.#requests.settle(request, answer),
            // Whatever is asked from now on waits for the restarted shard.
            crashed: () => this.#requests.rejectOf(index, shardRestarted()),
            restarted: () => this.#reintroduce(index),
            fatal: options.onFatal,
            committed: options.onCommitted,
          },
          options.log,
          clock,
        ),
    );
  }

  openConnectionId(): number {
    this.#lastConnection = this.#lastConnection === CONNECTION_ID_MAX ? 1 : this.#lastConnection + 1;
    return this.#lastConnection;
  }

  deliver(message: DeviceMessage, done: (outcome: Delivery) => void): void {
    const key = addressKey(message.address);
    const shard = this.#shard(key);
    if (this.#isStopping) return this.#refusals.refuse(shard, key, 'stopping', done);
    if (isFlood(message) && this.#refusals.isBusy(key)) {
      // Nobody waits for it, or for what is behind it.
      if (message.qos === 0) return queueMicrotask(() => done('busy'));
      return this.#refusals.refuse(shard, key, 'busy', done);
    }
    const { channel, subject, connection, payload } = message;
    shard.writeDurable(channelKind(channel), key, subject, connection, payload, done);
  }

  fence(done: () => void): void {
    let waiting = this.#shards.length;
    const one = (): void => {
      if (--waiting === 0) done();
    };
    for (const shard of this.#shards) shard.fence(one);
  }

  isCongested(): boolean {
    return this.#shards.some((shard) => shard.pendingBytes > limits.pendingBytesMax);
  }

  attachDevice(address: AgentAddress, connection: number, codec: CodecName | null): void {
    this.#devices.attach(addressKey(address), connection, codec);
  }

  detachDevice(address: AgentAddress, connection: number, reason: string): void {
    this.#devices.detach(addressKey(address), connection, reason);
  }

  deviceListening(address: AgentAddress, connection: number, channels: ListenChannels): void {
    this.#devices.listen(addressKey(address), connection, channels);
  }

  openConnection(details: ConnectionDetails, sink: ConnectionSink): ConnectionHandle {
    const { address, ...body } = details;
    const key = addressKey(address);
    const connection = this.openConnectionId();
    const open: OpenConnection = { key, body, sink, standing: '' };
    this.#connections.set(connection, open);
    const shard = this.#shard(key);
    shard.write(KIND.connect, 0, key, '', connection, 0, jsonBytes(body), undefined);
    return {
      connection,
      receive: (frame, isText) => {
        const flags = FLAG_DURABLE | (isText ? FLAG_TEXT : 0);
        shard.write(KIND.frame, flags, key, open.standing, connection, 0, frame, undefined);
      },
      closed: (code, reason) => {
        if (!this.#connections.delete(connection)) return;
        shard.write(KIND.disconnect, 0, key, reason, connection, code, NO_BYTES, undefined);
      },
    };
  }

  request(
    address: AgentAddress | null,
    name: string,
    body: unknown,
    options: RequestOptions = {},
  ): Promise<unknown> {
    if (this.#isStopping) return Promise.reject(new BridgeError('BRG_STOPPING', 'the bridge is stopping'));
    if (this.readiness().kind === 'disk-full') {
      // It would wait behind what cannot be written; the caller should know now.
      return Promise.reject(
        new BridgeError('BRG_DISK_FULL', 'the disk is full: free some space, it goes on by itself'),
      );
    }
    if (address === null) return this.#askAll(name, body, options);
    const key = addressKey(address);
    return this.#ask(shardOf(key, this.#shards.length), key, name, body, options);
  }

  onPublish(handler: (publication: Publication) => void): void {
    this.#publish = handler;
  }

  readiness(): Readiness {
    if (this.#isStopping) return { kind: 'stopping' };
    return mergeReadiness(this.#shards.map((shard) => shard.readiness));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.allSettled(this.#shards.map((shard) => shard.stop()));
    this.#requests.rejectAll(new BridgeError('BRG_STOPPING', 'the bridge is stopping'));
  }

  #shard(key: string): ShardClient {
    return this.#shardAt(shardOf(key, this.#shards.length));
  }

  #shardAt(index: number): ShardClient {
    const shard = this.#shards[index];
    if (shard === undefined) throw new BridgeError('BRG_INTERNAL', 'a runtime has at least one shard');
    return shard;
  }

  #ask(index: number, key: string, name: string, body: unknown, options: RequestOptions): Promise<unknown> {
    return this.#requests.open(index, options.timeoutMs ?? limits.requestTimeoutMs, (request) => {
      const flags =
        (options.durable === true ? FLAG_DURABLE : 0) | (options.create === true ? FLAG_CREATE : 0);
      this.#shardAt(index).write(KIND.request, flags, key, name, request, 0, jsonBytes(body), undefined);
    });
  }

  async #askAll(name: string, body: unknown, options: RequestOptions): Promise<unknown> {
    const shards = isForFirst(name) ? [0] : this.#shards.keys();
    const answers = await Promise.all(
      Array.from(shards, (index) => this.#ask(index, '', name, body, options)),
    );
    return mergeAnswers(name, body, answers);
  }

  /** After a crash the shard knows nobody: introduce everyone again. */
  #reintroduce(index: number): void {
    const shard = this.#shardAt(index);
    this.#refusals.restarted((key) => this.#shard(key) === shard);
    for (const [connection, { key, body }] of this.#connections) {
      if (this.#shard(key) !== shard) continue;
      shard.write(KIND.connect, FLAG_RESUMED, key, '', connection, 0, jsonBytes(body), undefined);
    }
    this.#devices.reintroduce(shard);
  }

  /** An agent asks another one; what comes of it goes back to its shard. */
  #answerAgent(effect: EffectRecord, index: number): void {
    // Without an address all shards are asked.
    const address = effect.text === '' ? null : parseAddress(effect.text);
    const { name, body, timeoutMs } = JSON.parse(effect.payload.toString()) as AgentQuestion; // AskTable
    const back = (code: string, said: unknown): void =>
      this.#shards[index]?.write(KIND.answer, 0, '', code, effect.id, 0, jsonBytes(said), undefined);
    if (address === undefined) {
      back('BRG_ADDRESS', { message: `${effect.text} is not an address` });
      return;
    }
    const isOfAgent = address !== null;
    this.request(address, name, body, { durable: isOfAgent, create: isOfAgent, timeoutMs }).then(
      (value) => back('', { value }),
      (error: unknown) => {
        const { code, message } = asBridgeError(error);
        back(code, { message });
      },
    );
  }

  #effect(effect: EffectRecord, index: number): void {
    switch (effect.kind) {
      case EFFECT.send:
        this.#connections.send(effect.connections, effect.payload, (effect.flags & FLAG_TEXT) !== 0);
        return;
      case EFFECT.ask:
        this.#answerAgent(effect, index);
        return;
      case EFFECT.crowded:
        this.#refusals.crowded(effect.text, effect.id === 1);
        return;
      case EFFECT.close:
        this.#connections.get(effect.id)?.sink.close(effect.code, effect.text);
        return;
      case EFFECT.standing:
        this.#connections.stand(effect.id, effect.text);
        return;
      case EFFECT.publish:
        this.#publish({
          topic: effect.text,
          payload: effect.payload,
          qos: (effect.flags & FLAG_QOS1) !== 0 ? 1 : 0,
          retain: (effect.flags & FLAG_RETAIN) !== 0,
          connection: effect.id,
        });
        return;
      default:
        throw new BridgeError('BRG_INTERNAL', `effect ${effect.kind} is for the shard client`);
    }
  }
}

/** What an agent that is behind may be spared: nobody waits for it, and its device can send it later. */
function isFlood({ channel }: DeviceMessage): boolean {
  return channel === 'telemetry' || channel === 'reported';
}

function shardRestarted(): BridgeError {
  return new BridgeError(
    'BRG_SHARD_RESTARTED',
    'the shard restarts; what was asked may have been done: look, and ask again',
  );
}

function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value ?? null));
}
