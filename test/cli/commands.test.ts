import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/cli/nearest.ts';
import { textTable } from '../../src/cli/text-table.ts';
import { mooring } from './start.ts';

describe('mooring', () => {
  it('lists its commands, each with a summary', async () => {
    for (const args of [['--help'], ['help']]) {
      const { code, stdout } = await mooring(args);
      expect(code).toBe(0);
      for (const name of ['serve', 'devices', 'agent', 'audit', 'doctor'])
        expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    }
    expect((await mooring(['agent', '--help'])).stdout).toMatch(/^ {2}send /m);
    expect((await mooring(['help', 'agent', 'send'])).stdout).toContain('Usage: mooring agent send');
    expect(await mooring([])).toMatchObject({ code: 2, stdout: '' });
  });

  it('prints its version', async () => {
    expect(await mooring(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  it.each([
    ['an unknown command', ['srve'], 'unknown command "srve", did you mean serve?'],
    ['a command of a later version', ['cluster'], 'unknown command "cluster"'],
    ['an unknown command of a group', ['agent', 'sned'], 'did you mean send?'],
    ['an address instead of a command', ['agent', 'pump/p1'], 'mooring agent show pump/p1'],
    [
      'an unknown option',
      ['serve', '--mqtt-prot', '1'],
      'unknown option --mqtt-prot; did you mean --mqtt-port?',
    ],
    ['an option before the command', ['--mqtt-port', '0'], 'the command comes first'],
    ['an option without its value', ['serve', '--mqtt-port', '--json'], '--mqtt-port needs a value'],
    ['a value for a flag', ['agent', 'forget', 'pump/p1', '--yes=no'], '--yes takes no value'],
    ['a missing argument', ['agent', 'show'], 'mooring agent show <model>/<id>'],
    ['an argument too many', ['devices', 'show', 'pump', 'x'], '"x" is one argument too many'],
    ['a word a command does not know', ['backup', 'lst'], 'mooring backup, mooring backup list'],
    ['an option of another word', ['audit', 'verify', '--kind', 'tool'], 'see: mooring audit verify --help'],
    ['an address that is none', ['agent', 'show', 'Pump'], '<model>/<id>, e.g. greenhouse/g7'],
    ['a number that is none', ['agent', 'list', '--limit', '0'], 'a whole number 1..'],
    ['a presence that is none', ['agent', 'list', '--presence', 'on'], 'online, offline, never'],
    ['a url that is none', ['agent', 'list', '--url', 'localhost:8080'], 'http://127.0.0.1:8080'],
  ])('exits 2 and says what is allowed for %s', async (_what, args, text) => {
    const { code, stdout, stderr } = await mooring(args);
    expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({
      code: 2,
      stdout: '',
      lines: 1,
    });
    expect(stderr.replaceAll('\\"', '"')).toContain(text);
  });

  it('shows the models, their ranges and commands without a bridge', async () => {
    const list = await mooring(['devices']);
    expect(list.stdout).toMatch(/^thermostat +temperature, target, heating +set-target/m);
    const show = await mooring(['devices', 'show', 'thermostat']);
    expect(show.stdout).toMatch(/target +5\.\.35 °C +readwrite/);
    const json = await mooring(['devices', 'show', 'pump', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ model: 'pump' });
    const unknown = await mooring(['devices', 'show', 'termostat']);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining('did you mean thermostat?') });
  });
});

describe('nearest', () => {
  it('finds a word with a letter swapped, missing or wrong, and nothing for another word', () => {
    const known = ['list', 'show', 'history', 'send'];
    expect(nearest('sned', known)).toBe('send');
    expect(nearest('histry', known)).toBe('history');
    expect(nearest('SHOW', known)).toBe('show');
    expect(nearest('backup', known)).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
  });
});

describe('textTable', () => {
  it('aligns columns and lets no control character through', () => {
    expect(
      textTable(
        ['A', 'B'],
        [
          ['long', 'x'],
          ['s', '\u001b[2J'],
        ],
      ),
    ).toBe('A     B\nlong  x\ns     \ufffd[2J\n');
  });
});
