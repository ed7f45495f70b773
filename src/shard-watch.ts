/**
 * Watches a shard's thread from the main one. A thread whose beats stop is looked at through the inspector: if
 * an author's code runs in it, time after time, the thread is stuck there and has to end; a new one replays.
 *
 * I1 Slowness of the disk or of our own code ends no thread: an fsync cannot be interrupted, so nothing of
 *    the author's is seen, and the thread is left alone.
 * I2 Ticks of the main thread are counted, not time: while the machine sleeps, neither of the two gets on.
 */
import { Session, url as inspectorUrl } from 'node:inspector';
import type { Worker } from 'node:worker_threads';
import { STALL_TICKS, StallCounter, type FlightRecorder } from './actor/index.ts';

/** Looks that must find an author's code, a tick apart. */
const LOOKS = 2;
/** A thread in JavaScript code stops for the debugger in milliseconds. */
const PAUSE_MS = 2_000;

/** Under this key a shard's thread notes whose code runs; called while it is paused. */
export const NOTE_CULPRIT = 'mooring.note-culprit';

/** @param onStuck called with the stack, again as long as the thread is stuck; it has noted whose code it runs */
export function watchShard(
  worker: Worker,
  recorder: FlightRecorder,
  stallMs: number,
  onStuck: (stack: string) => void,
): () => void {
  const intervalMs = stallMs / (STALL_TICKS + LOOKS);
  const counter = new StallCounter(intervalMs);
  let looks = 0;
  let isLooking = false;
  const look = async (): Promise<void> => {
    const stack = await stackOf(worker.threadId);
    isLooking = false;
    looks = stack === undefined ? 0 : looks + 1;
    if (stack !== undefined && looks >= LOOKS) onStuck(stack);
  };
  const timer = setInterval(() => {
    // A person who debugs the thread may stop it as long as they like.
    if (isLooking || inspectorUrl() !== undefined) return;
    if (!counter.tick(recorder.beats, performance.now())) {
      looks = 0;
      return;
    }
    isLooking = true;
    void look(); // never rejects
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

interface CallFrame {
  readonly callFrameId: string;
  readonly functionName: string;
  readonly location: {
    readonly scriptId: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  };
}

/** What the inspector of a thread says; its protocol is documented by V8. */
interface Said {
  readonly method?: string;
  readonly params?: {
    readonly scriptId?: string;
    readonly url?: string;
    readonly callFrames?: readonly CallFrame[];
  };
}

/** The stack of a thread that runs an author's code; undefined when it does not, or not in JavaScript. Never rejects. */
async function stackOf(threadId: number): Promise<string | undefined> {
  const session = new Session();
  try {
    session.connect();
    return await within(PAUSE_MS, (resolve) => pause(session, threadId, resolve));
  } catch {
    return undefined;
  } finally {
    session.disconnect();
  }
}

function within<T>(
  ms: number,
  ask: (resolve: (value: T | undefined) => void) => void,
): Promise<T | undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms, undefined).unref();
    ask(resolve);
  });
}

function pause(session: Session, threadId: number, resolve: (stack: string | undefined) => void): void {
  const urls = new Map<string, string>();
  let thread: string | undefined;
  let stack: string | undefined;
  let id = 0;
  const order = (method: string, params: object = {}): void => {
    const message = JSON.stringify({ id: ++id, method, params });
    session.post('NodeWorker.sendMessageToWorker', { sessionId: thread, message });
  };
  session.on('NodeWorker.attachedToWorker', ({ params }) => {
    // The id given there counts sessions; the title has that of the thread (node: src/node_worker.cc).
    if (!params.workerInfo.title.startsWith(`[worker ${threadId}]`)) return;
    thread = params.sessionId;
    order('Debugger.enable');
    order('Debugger.pause');
  });
  session.on('NodeWorker.receivedMessageFromWorker', ({ params: { sessionId, message } }) => {
    if (sessionId !== thread) return;
    const { method, params } = JSON.parse(message) as Said;
    // Not before: a thread that is ended while it is paused stays there for ever.
    if (method === 'Debugger.resumed') resolve(stack);
    if (method === 'Debugger.scriptParsed') urls.set(params?.scriptId ?? '', params?.url ?? '');
    if (method !== 'Debugger.paused') return;
    const frames = params?.callFrames ?? [];
    const isAuthors = frames.some(({ location }) => isForeign(urls.get(location.scriptId) ?? ''));
    if (isAuthors) {
      const expression = `globalThis[Symbol.for('${NOTE_CULPRIT}')]()`;
      order('Debugger.evaluateOnCallFrame', { callFrameId: frames[0]?.callFrameId, expression });
    }
    order('Debugger.resume');
    stack = isAuthors ? written(frames, urls) : undefined;
  });
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
}

const OWN = new URL('.', import.meta.url).href;
const PROJECT = new URL('..', OWN).href;

/** Neither Node's, nor ours, nor what we depend on. */
function isForeign(url: string): boolean {
  if (url === '' || url.startsWith('node:') || url.startsWith(OWN)) return false;
  return !url.startsWith(`${PROJECT}node_modules/`);
}

function written(frames: readonly CallFrame[], urls: ReadonlyMap<string, string>): string {
  return frames
    .map(({ functionName, location: { scriptId, lineNumber, columnNumber } }) => {
      const at = `${urls.get(scriptId) ?? ''}:${lineNumber + 1}:${columnNumber + 1}`;
      return `    at ${functionName === '' ? '<anonymous>' : functionName} (${at})`;
    })
    .join('\n');
}
