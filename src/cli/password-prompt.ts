/** Asks for a password on a terminal, without showing it. */
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { UsageError } from './command.ts';

/** Twice, because nobody sees what they type. @throws UsageError without a terminal, or when both differ */
export async function readPassword(): Promise<string> {
  if (!process.stdin.isTTY)
    throw new UsageError(
      'there is no terminal to ask for the password: --password-file <file>, or --generate',
    );
  const first = await ask('password: ');
  if (first !== (await ask('again: '))) throw new UsageError('these were two passwords; nothing was changed');
  return first;
}

async function ask(question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(question);
  try {
    return await new Promise((resolve, reject) => {
      lines.once('SIGINT', () => reject(new UsageError('nothing was changed')));
      lines.question('', resolve);
    });
  } finally {
    process.stderr.write('\n');
    lines.close();
  }
}
