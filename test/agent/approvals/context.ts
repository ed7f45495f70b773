/** Approvals on an agent in memory, whose clock is in the hand of a test. */
import { BridgeError } from '../../../src/base/errors.ts';
import type { ActorContext } from '../../../src/actor/index.ts';
import { Approvals, type ApprovalQuestion } from '../../../src/agent/approvals/approvals.ts';
import type { Outbound } from '../../../src/agent/outbound.ts';

export const MINUTE = 60_000;

export class ApprovalAgent {
  readonly cells = new Map<string, unknown>();
  readonly audits: Record<string, unknown>[] = [];
  readonly frames: Record<string, unknown>[] = [];
  readonly logged: unknown[] = [];
  nowMs = 1_000_000;
  #effects = 0;
  approvals: Approvals;

  constructor() {
    this.approvals = this.wake();
  }

  /** As after a hibernation, or another process: only what is stored is left. */
  wake(): Approvals {
    const stored = JSON.parse(JSON.stringify([...this.cells])) as [string, unknown][]; // written just before
    this.cells.clear();
    for (const [name, value] of stored) this.cells.set(name, value);
    const context = {
      address: { model: 'pump', id: 'p1' },
      log: { error: (about: unknown) => this.logged.push(about) },
      now: () => this.nowMs,
      cell: (name: string) => this.cells.get(name),
      setCell: (name: string, value: unknown) =>
        void (value === undefined ? this.cells.delete(name) : this.cells.set(name, value)),
      cellNames: (prefix: string) => [...this.cells.keys()].filter((name) => name.startsWith(prefix)),
      onTakenBack: () => undefined,
      attempt: <T>(part: () => T): T => part(),
      effectId: () => `e${this.#effects++}`,
      audit: (row: Record<string, unknown>) => void this.audits.push(row),
    } as unknown as ActorContext; // what approvals use of it
    const outbound = {
      broadcast: (frame: Record<string, unknown>) => void this.frames.push(frame),
    } as unknown as Outbound; // as above
    return (this.approvals = new Approvals(context, outbound, () => undefined));
  }

  /** The alarm of the agent, at the time it wants. */
  ring(): void {
    const atMs = this.approvals.nextAlarmMs();
    if (atMs === null) throw new Error('it wants no alarm');
    this.nowMs = Math.max(this.nowMs, atMs);
    this.approvals.alarm(this.nowMs);
  }

  events(): string[] {
    return this.audits.map(({ event, by }) => `${String(event)} ${String(by)}`);
  }
}

let calls = 0;

export function question(more: Partial<ApprovalQuestion> = {}): ApprovalQuestion {
  return {
    origin: { kind: 'chat', toolCallId: `call${++calls}` },
    tool: 'send_command',
    arguments: { command: 'start' },
    binding: 'b',
    explanation: 'start acts on the device',
    requestedBy: 'chat',
    ...more,
  };
}

/** The code of what `act` throws. */
export function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof BridgeError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}
