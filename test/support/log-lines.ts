import { onTestFinished } from 'vitest';

/** What this process and its shard threads log (`logFormat: 'json'`), from now on until the end of the test. */
export class LogLines {
  #text = '';

  constructor() {
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = (chunk: string | Uint8Array): boolean => {
      this.#text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      return true;
    };
    onTestFinished(() => void (process.stderr.write = write));
  }

  get all(): Record<string, unknown>[] {
    return this.#text.split('\n').flatMap((line) => {
      try {
        return [JSON.parse(line) as Record<string, unknown>];
      } catch {
        return [];
      }
    });
  }

  of(event: string): Record<string, unknown>[] {
    return this.all.filter(({ msg }) => msg === event);
  }
}
