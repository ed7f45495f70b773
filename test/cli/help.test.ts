/** `--help` of every command there is, found as a user finds them: from the lists that the helps themselves print. */
import { expect, it, vi } from 'vitest';
import { runCli } from '../../src/cli.ts';

/** What the command line prints, in this process: there are too many commands to start one for each. */
async function printed(...args: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const listeners = process.stdout.listeners('error');
  try {
    expect(await runCli(args)).toBe(0);
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
    const [own] = process.stdout.listeners('error').filter((one) => !listeners.includes(one));
    if (own !== undefined) process.stdout.off('error', own as (error: Error) => void);
  }
}

/** `command` and what its help lists, all the way down. */
async function commandsBelow(command: string): Promise<string[]> {
  const words = command === '' ? [] : command.split(' ');
  const help = await printed(...words, '--help');
  const listed = [...help.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, word = '']) => `${command} ${word}`);
  const own = [...help.matchAll(/^ {2}mooring ([a-z ]+): /gm)].map(([, words = '']) => words);
  const found = command === '' ? [] : [command];
  for (const one of [...listed, ...own]) found.push(...(await commandsBelow(one.trim())));
  return found;
}

it('every command, of one word or of several, shows its own help, however it is asked for', async () => {
  const commands = await commandsBelow('');
  expect(commands).toEqual(
    expect.arrayContaining(['serve', 'audit verify', 'backup list', 'agent rules', 'acl explain']) as unknown,
  );
  for (const command of commands) {
    const words = command.split(' ');
    const help = await printed(...words, '--help');
    expect(help.startsWith(`mooring ${command}: `), help).toBe(true);
    expect(help).toContain(`Usage: mooring ${command} `);
    expect(help).toContain('Exit codes:');
    expect(await printed('help', ...words)).toBe(help);
    expect(await printed(...words, '-h')).toBe(help);
    const isGroup = commands.includes(`${command} list`) && !help.includes('--json');
    if (!isGroup) for (const part of ['--json', 'Examples:\n']) expect(help).toContain(part);
  }
});
