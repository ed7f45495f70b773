/**
 * The worker of the workerd engine: answers one request, whose body and response are the two directions of the
 * frames, one line each. It runs before the program does and captures what it uses.
 */
import { prepare } from './prelude.ts';

/** workerd's `unsafeEval` binding: compiles text where `eval` and `Function` stay forbidden. */
interface Compiler {
  newAsyncFunction(code: string, name: string, ...parameters: string[]): (env: unknown) => unknown;
}

interface WorkerRequest {
  readonly body: ReadableStream<Uint8Array>;
}

const later = setTimeout;
const { apply } = Reflect;
const { indexOf, slice } = String.prototype;

async function answer(request: WorkerRequest, compiler: Compiler): Promise<Response> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const [reader, writer] = [request.body.getReader(), writable.getWriter()];
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
  const [encode, decode] = [encoder.encode.bind(encoder), decoder.decode.bind(decoder)];
  const [read, write] = [reader.read.bind(reader), writer.write.bind(writer)];
  const response = new Response(readable);
  // A first function costs some ms: the program shall not pay them.
  await compiler.newAsyncFunction('return env', 'program', 'env')({});
  const receive = prepare({
    send(text) {
      void write(encode(`${text}\n`)); // fails only when the host hung up
    },
    later: (callback, delayMs) => void later(callback, delayMs),
    compile: (code) => compiler.newAsyncFunction(`'use strict';\n${code}`, 'program', 'env'),
  });
  void pump(read, (chunk) => decode(chunk, { stream: true }), receive); // never rejects
  return response;
}

async function pump(
  read: () => Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>,
  decode: (chunk: Uint8Array) => string,
  receive: (line: string) => void,
): Promise<void> {
  let rest = '';
  let parts = '';
  for (;;) {
    const { done, value } = await read().catch(() => ({ done: true, value: undefined }));
    if (done || value === undefined) return;
    parts = rest + decode(value);
    for (let isFirst = true; ; isFirst = false) {
      const end: number = apply(indexOf, parts, ['\n']);
      if (end === -1) break;
      // What one answer sets in motion runs before the next is seen, as if each had come alone: a replay depends on it.
      if (!isFirst) await new Promise<void>((resume) => void later(resume, 0));
      receive(apply(slice, parts, [0, end]));
      parts = apply(slice, parts, [end + 1]);
    }
    rest = parts;
  }
}

/** The worker. @public workerd takes the default export. */
// eslint-disable-next-line no-restricted-syntax
export default {
  fetch: (request: WorkerRequest, bindings: { readonly compiler: Compiler }): Promise<Response> =>
    answer(request, bindings.compiler),
};
