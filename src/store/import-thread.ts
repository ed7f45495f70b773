/** Entry of the thread that looks at one import: it says what it found, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { asBridgeError, assert, type BridgeError } from '../base/errors.ts';
import { fileError } from './copy-database.ts';
import { prepareImport, type ExportInfo, type PrepareOptions } from './import-check.ts';

/** What the thread says. */
export type ImportFinding =
  | { readonly kind: 'sound'; readonly info: ExportInfo }
  | { readonly kind: 'refused'; readonly code: BridgeError['code']; readonly message: string };

assert(parentPort !== null, 'this module is the entry of a worker thread');
const options = workerData as PrepareOptions; // written by agent-import.ts

function look(): ImportFinding {
  try {
    return { kind: 'sound', info: prepareImport(options) };
  } catch (error) {
    const { code, message } = asBridgeError(fileError(error, options.path));
    return { kind: 'refused', code, message };
  }
}

parentPort.postMessage(look());
