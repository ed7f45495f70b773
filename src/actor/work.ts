/** What waits in an agent's device lane. */
import type { TurnKind } from './flight-recorder.ts';
import { KIND, type InboundRecord, type Kind } from './messages.ts';
import type { BatchProgress } from './progress.ts';

/** `tries`: how often it was over its deadline, or ended the thread. */
export type Work =
  | { readonly kind: 'start'; readonly onEnded: () => void; tries: number }
  | { readonly kind: 'alarm'; tries: number }
  | {
      readonly kind: 'record';
      readonly record: InboundRecord;
      /** Brings its agent into being. */
      readonly isCreating: boolean;
      /** 0 and undefined for what is not journaled. */
      readonly sequence: number;
      readonly progress: BatchProgress | undefined;
      readonly isReplay: boolean;
      /** What makes ids of the turn's effects the same at a replay; empty for none. */
      readonly cause: string;
      tries: number;
    };

const NAMES = Object.fromEntries(Object.entries(KIND).map(([name, kind]) => [kind, name])) as Record<
  Kind,
  string
>; // inverts KIND

/** For people. */
export function workName(work: Work): string {
  if (work.kind !== 'record') return work.kind;
  const { kind, subject } = work.record;
  return kind === KIND.request ? `request ${subject}` : NAMES[kind];
}

export function workKind(work: Work): TurnKind {
  if (work.kind !== 'record') return work.kind;
  return work.progress === undefined ? 'connection' : 'message';
}

/** Work that is not journaled. */
export function volatileWork(record: InboundRecord, isCreating: boolean): Work {
  return {
    kind: 'record',
    record,
    isCreating,
    sequence: 0,
    progress: undefined,
    isReplay: false,
    cause: '',
    tries: 0,
  };
}
