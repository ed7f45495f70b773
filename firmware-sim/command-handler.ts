import { BridgeError } from '../src/base/errors.ts';
import { limits } from '../src/base/limits.ts';
import { checkCommandArgument, type Command, type DeviceDefinition } from '../src/device/index.ts';
import { decodePayload, decodePayloadAs, type Codec } from '../src/wire/index.ts';
import type { Value } from './physics.ts';
import type { Plant } from './plant.ts';

/** A command as the device took it, with the result it sends. */
export interface HandledCommand {
  readonly name: string;
  readonly cid: string;
  readonly args: unknown;
  readonly result:
    { readonly ok: true; readonly value: Value | null } | { readonly ok: false; readonly error: string };
}

/**
 * Takes commands as firmware does: checks the argument, acts, remembers the answer. QoS 1 may deliver
 * a command twice; the second time it only gives the same answer. The memory survives a reboot.
 */
export class CommandHandler {
  readonly #definition: DeviceDefinition;
  readonly #plant: Plant;
  readonly #codec: Codec;
  readonly #answers = new Map<string, HandledCommand>();

  constructor(definition: DeviceDefinition, plant: Plant, codec: Codec) {
    this.#definition = definition;
    this.#codec = codec;
    this.#plant = plant;
  }

  /** Never throws: what cannot be done is an answer too. */
  handle(name: string, cid: string, payload: Uint8Array): { command: HandledCommand; isRepeat: boolean } {
    const known = this.#answers.get(cid);
    if (known !== undefined) return { command: known, isRepeat: true };
    const command = this.#act(name, cid, payload);
    this.#answers.set(cid, command);
    if (this.#answers.size > limits.simulatorAnswersMax) {
      for (const oldest of this.#answers.keys()) {
        this.#answers.delete(oldest);
        break;
      }
    }
    return { command, isRepeat: false };
  }

  #act(name: string, cid: string, payload: Uint8Array): HandledCommand {
    let args: unknown = null;
    try {
      if (payload.length > 0) args = readArguments(payload, this.#codec);
      const spec = this.#definition.commands.find((command) => command.name === name);
      if (spec === undefined) throw new Error(`no command '${name}'`);
      const value = checkCommandArgument(spec, args);
      this.#apply(spec, value);
      return { name, cid, args, result: { ok: true, value } };
    } catch (error) {
      return {
        name,
        cid,
        args,
        result: { ok: false, error: error instanceof Error ? error.message : String(error) },
      };
    }
  }

  #apply({ name, effect }: Command, argument: Value | null): void {
    if (effect === undefined) {
      if (argument !== null) this.#plant.actuate(name, argument);
      return;
    }
    const value = effect.value === 'argument' ? argument : effect.value;
    if (value !== null) this.#plant.actuate(effect.metric, value);
  }
}

/**
 * Arguments may be a bare value, of which the first byte does not tell the codec: it is the device's
 * own, unless the sender does not know that.
 */
function readArguments(payload: Uint8Array, own: Codec): unknown {
  const other = own === 'json' ? 'cbor' : 'json';
  const readers = [
    () => decodePayload(payload).value,
    () => decodePayloadAs(payload, own),
    () => decodePayloadAs(payload, other),
  ];
  for (const read of readers) {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
    }
  }
  throw new Error('the argument is neither JSON nor CBOR');
}
