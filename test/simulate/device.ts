/** A device and its MQTT connection as the runtime sees them: it sends again what was not acknowledged. */
import type { Delivery, Runtime } from '../../src/actor/index.ts';
import type { AgentAddress } from '../../src/base/address.ts';
import type { AgentRow } from '../../src/store/index.ts';
import type { Facts } from './facts.ts';
import type { Program } from './program.ts';
import { DEALT, type Witness } from './witness.ts';

/** Ids of what devices say, and of nothing else. */
const TELEMETRY = /^a\d+\.\d+[#~]\d+$/;

interface Unacknowledged {
  readonly name: string;
  readonly qos: 0 | 1;
  readonly steps: Program;
  attempts: number;
  /** The runtime has it. */
  isGiven: boolean;
}

export class Device {
  readonly address: AgentAddress;
  readonly #key: string;
  readonly #witness: Witness;
  readonly #later: (run: () => void) => void;
  #unacknowledged: Unacknowledged[] = [];
  #sent = 0;
  /** Its agent was busy: the first message is tried again, and those behind it wait. */
  #isHeld = false;
  #connection: number | undefined;
  #runtime: Runtime | undefined;
  /** It wants to be connected. */
  isAttached = false;

  /** @param later runs something some time later */
  constructor(address: AgentAddress, witness: Witness, later: (run: () => void) => void) {
    this.#later = later;
    this.address = address;
    this.#key = `${address.model}/${address.id}`;
    this.#witness = witness;
  }

  get unacknowledged(): number {
    return this.#unacknowledged.length;
  }

  /** The process has ended, with it the connection. */
  lost(): void {
    this.#runtime = undefined;
    this.#connection = undefined;
    this.#isHeld = false;
    for (const message of this.#unacknowledged) message.isGiven = false;
  }

  /** There is a process again. */
  found(runtime: Runtime): void {
    this.#runtime = runtime;
    if (this.isAttached) this.attach();
    this.#giveAll(runtime);
  }

  attach(): void {
    this.isAttached = true;
    if (this.#runtime === undefined || this.#connection !== undefined) return;
    this.#connection = this.#runtime.openConnectionId();
    this.#runtime.attachDevice(this.address, this.#connection, 'json');
  }

  detach(): void {
    this.isAttached = false;
    if (this.#connection !== undefined) this.#runtime?.detachDevice(this.address, this.#connection, 'gone');
    this.#connection = undefined;
  }

  say(qos: 0 | 1, steps: Program): void {
    const name = `${this.address.id}.${++this.#sent}`;
    const message = { name, qos, steps, attempts: 0, isGiven: false };
    if (qos === 1) this.#unacknowledged.push(message);
    if (this.#runtime !== undefined && !(qos === 1 && this.#isHeld)) this.#give(this.#runtime, message);
  }

  /** What is stored of its agent, when everything is over. */
  checkRow({ key, presence, messages }: AgentRow, facts: Facts): void {
    const told = new Set<string>();
    for (const entry of facts.log(this.#key, key)) {
      const [what = '', id = ''] = entry.split(' ');
      if (DEALT.includes(what) && TELEMETRY.test(id)) told.add(id);
    }
    if (messages !== told.size) {
      this.#witness.violation(`${this.#key} counts ${messages} messages of ${told.size}`);
    }
    // A connection that was there before says nothing to an agent that begins anew.
    if (facts.wasForgotten(this.#key)) return;
    if (this.isAttached !== (presence === 'online')) {
      const is = this.isAttached ? 'connected' : 'not connected';
      this.#witness.violation(`${this.#key} is ${presence}, and its device is ${is}`);
    }
  }

  #giveAll(runtime: Runtime): void {
    for (const message of this.#unacknowledged) if (!message.isGiven) this.#give(runtime, message);
  }

  #hold(runtime: Runtime): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#later(() => this.#tryAgain(runtime));
  }

  /** The first that was refused. */
  #tryAgain(runtime: Runtime): void {
    if (this.#runtime !== runtime) return;
    const first = this.#unacknowledged.find(({ isGiven }) => !isGiven);
    if (first !== undefined) this.#give(runtime, first, true);
  }

  #give(runtime: Runtime, message: Unacknowledged, isTry = false): void {
    const { qos, steps } = message;
    const id = `${message.name}${qos === 1 ? '#' : '~'}${++message.attempts}`;
    message.isGiven = true;
    let isOpen = true;
    let hasReturned = false;
    this.#witness.issued(id, this.#key);
    const payload = Buffer.from(JSON.stringify({ id, steps }));
    const packet = { address: this.address, channel: 'telemetry', subject: '', qos, payload } as const;
    runtime.deliver({ ...packet, connection: this.#connection ?? 0 }, (outcome) => {
      if (!isOpen) this.#witness.violation(`${id} has two outcomes`);
      if (!hasReturned) this.#witness.violation(`${id} has an outcome before deliver returned`);
      isOpen = false;
      // What a process says that has ended reaches nobody.
      if (this.#runtime !== runtime) return;
      if (outcome === 'busy') this.#witness.refused(id);
      // Nobody waits for that of QoS 0.
      if (qos === 1) this.#settled(runtime, message, id, outcome, isTry);
      else if (outcome === 'accepted') this.#witness.promised(id);
    });
    hasReturned = true;
  }

  #settled(runtime: Runtime, message: Unacknowledged, id: string, outcome: Delivery, isTry: boolean): void {
    this.#witness.outcome(id, this.#key, outcome);
    if (isTry) this.#isHeld = false;
    if (outcome === 'busy') {
      message.isGiven = false;
      this.#hold(runtime);
    }
    if (outcome !== 'accepted') return;
    this.#witness.promised(id);
    this.#unacknowledged = this.#unacknowledged.filter((other) => other !== message);
    if (isTry) this.#giveAll(runtime);
  }
}
