/** Entry of the compiler's thread: one text in, one outcome out. */
import { parentPort } from 'node:worker_threads';
import { compileText } from './compile-text.ts';

parentPort?.on('message', (text: string) => parentPort?.postMessage(compileText(text)));
