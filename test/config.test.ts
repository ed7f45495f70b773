import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BridgeError } from '../src/base/errors.ts';
import { checkConfig, checkReach, describeSettings, loadConfig, type ConfigSources } from '../src/config.ts';

const NOBODY = { mqtt: false, http: false };
let directory = '';
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'mooring-config-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function writeConfig(text: string): void {
  writeFileSync(join(directory, 'mooring.config.json'), text);
}

function load(sources: Omit<ConfigSources, 'directory'> = {}) {
  return loadConfig({ ...sources, directory });
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof BridgeError && error.code === 'BRG_CONFIG') return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('loadConfig', () => {
  it('has the defaults of the contract', () => {
    expect(load()).toMatchObject({
      host: '127.0.0.1',
      mqttPort: 1883,
      httpPort: 8080,
      logLevel: 'info',
      adminToken: null,
    });
    expect(isAbsolute(load().dataDir)).toBe(true);
  });

  it('reads a list from JSON and from a text with commas, and refuses a word it does not know', () => {
    expect(load().mcpAllow).toEqual([]);
    writeConfig('{"mcpAllow": ["stdio"]}');
    expect(load().mcpAllow).toEqual(['stdio']);
    const environment = { MOORING_MCP_ALLOW: 'loopback, private' };
    expect(load({ environment }).mcpAllow).toEqual(['loopback', 'private']);
    expect(refusal(() => load({ flags: { mcpAllow: 'loopback,all' } }))).toBe(
      '--mcp-allow: "loopback,all" is not allowed: must be a list of loopback, private, stdio',
    );
    expect(refusal(() => load({ environment: { MOORING_MCP_ALLOW: '' } }))).toContain('must be a list of');
    expect(refusal(() => load({ flags: { publicUrl: 'ftp://x' } }))).toContain('must be an http(s) URL');
  });

  it.each([
    ['readToken', '--read-token'],
    ['actToken', '--act-token'],
  ])('takes a %s beside an admin token only, another one, and shows neither', (key, flag) => {
    const token = 'a-token-of-these-tests';
    const adminToken = 'an-admin-token-of-tests';
    expect(load({ flags: { [key]: token, adminToken } })).toMatchObject({ [key]: token });
    for (const given of [{}, { adminToken: token }]) {
      const message = refusal(() => load({ flags: { [key]: token, ...given } }));
      expect(message).toContain(flag);
      expect(message).not.toContain(token);
    }
    expect(refusal(() => load({ flags: { adminToken, readToken: token, actToken: token } }))).toContain(
      '--act-token',
    );
  });

  it('prefers flags to the environment, and the environment to the file', () => {
    writeConfig('{"mqttPort": 1, "httpPort": 1, "logLevel": "debug"}');
    const environment = {
      MOORING_MQTT_PORT: '2',
      MOORING_HTTP_PORT: '2',
      PATH: '/bin',
      MOORING_SHARDS: undefined,
    };
    const config = load({ environment, flags: { mqttPort: '3', httpPort: undefined } });
    expect(config).toMatchObject({ mqttPort: 3, httpPort: 2, logLevel: 'debug' });
  });

  it('takes port 0 and numbers as text or as numbers', () => {
    writeConfig('{"mqttPort": 0, "httpPort": "0"}');
    expect(load()).toMatchObject({ mqttPort: 0, httpPort: 0 });
  });

  it.each([
    [{ mqttPort: '65536' }, ['--mqtt-port', '65536', '65535']],
    [{ mqttPort: '-1' }, ['--mqtt-port', '-1', '0']],
    [{ mqttPort: 'x' }, ['--mqtt-port', '"x"', 'number']],
    [{ mqttPort: '1.5' }, ['--mqtt-port', '1.5', 'number']],
    [{ shards: '300' }, ['--shards', '300', '256']],
    [{ logLevel: 'loud' }, ['--log-level', '"loud"', 'info', 'debug']],
    [{ logFormat: 'xml' }, ['--log-format', '"xml"', 'pretty', 'json']],
    [{ dataDir: '' }, ['--data-dir', '""']],
  ])('refuses %j with the setting, the value and what is allowed', (flags, parts) => {
    const message = refusal(() => load({ flags }));
    for (const part of parts) expect(message).toContain(part);
  });

  it('names the variable or the file a bad value comes from', () => {
    expect(refusal(() => load({ environment: { MOORING_HTTP_PORT: 'x' } }))).toContain(
      'MOORING_HTTP_PORT: "x"',
    );
    writeConfig('{"httpPort": "x"}');
    expect(refusal(() => load())).toMatch(/mooring\.config\.json.*"x"/);
    expect(
      refusal(() => load()),
      'which of the keys of the file it is',
    ).toContain('httpPort');
  });

  it('refuses an empty or missing number instead of taking it for 0', () => {
    expect(refusal(() => load({ environment: { MOORING_MQTT_PORT: '' } }))).toContain('MOORING_MQTT_PORT');
    writeConfig('{"mqttPort": null}');
    expect(refusal(() => load())).toContain('mqttPort');
  });

  it('refuses unknown settings and lists the known ones', () => {
    const message = refusal(() => load({ environment: { MOORING_PORT: '1' } }));
    expect(message).toContain('MOORING_PORT');
    expect(message).toContain('MOORING_MQTT_PORT');
    writeConfig('{"port": 1}');
    expect(refusal(() => load())).toMatch(/unknown setting port.*mqttPort/);
  });

  it('does not repeat a token in its message', () => {
    const message = refusal(() => load({ environment: { MOORING_ADMIN_TOKEN: 'geheim' } }));
    expect(message).toContain('MOORING_ADMIN_TOKEN');
    expect(message).not.toContain('geheim');
  });

  it('refuses to be reachable from other machines as long as nobody is asked who they are', () => {
    const open = load({ flags: { host: '0.0.0.0' } });
    expect(refusal(() => checkReach(open, NOBODY))).toMatch(
      /0\.0\.0\.0 is reachable.*mooring user add.*MOORING_ADMIN_TOKEN/,
    );
    expect(refusal(() => checkReach(open, { mqtt: true, http: false }))).toContain('MOORING_ADMIN_TOKEN');
    const withToken = load({ flags: { host: '::', adminToken: 'a'.repeat(16) } });
    expect(refusal(() => checkReach(withToken, NOBODY))).toContain('mooring user add');
    checkReach(withToken, { mqtt: true, http: false });
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost'])
      checkReach(load({ flags: { host } }), NOBODY);
  });

  it('refuses TLS without a certificate', () => {
    expect(refusal(() => load({ flags: { mqttsPort: '8883' } }))).toMatch(/mqtts-port.*tlsCert and tlsKey/);
    const files = { tlsCert: 'c.pem', tlsKey: 'k.pem' };
    expect(load({ flags: { mqttsPort: '8883', ...files } }).mqttsPort).toBe(8883);
  });

  it('names the file that is no JSON, no object, or cannot be read', () => {
    writeConfig('{"mqttPort": 1,}');
    expect(refusal(() => load())).toMatch(/mooring\.config\.json is not valid JSON/);
    writeConfig('[1]');
    expect(refusal(() => load())).toMatch(/mooring\.config\.json.*must be an object/);
    rmSync(join(directory, 'mooring.config.json'));
    mkdirSync(join(directory, 'mooring.config.json'));
    expect(refusal(() => load())).toMatch(/mooring\.config\.json cannot be read/);
  });
});

describe('checkConfig', () => {
  it('takes settings from code', () => {
    expect(checkConfig({ mqttPort: 0, shards: 0 })).toMatchObject({ mqttPort: 0, shards: 0 });
    expect(refusal(() => checkConfig({ mqttPort: -1 }))).toContain('mqttPort: -1');
  });
});

describe('describeSettings', () => {
  it('has a flag, a variable and a meaning for each setting', () => {
    const settings = describeSettings();
    expect(settings.map(({ flag }) => flag)).toContain('--mqtt-port');
    for (const { flag, environment, meaning } of settings) {
      expect(environment).toBe(`MOORING_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`);
      expect(meaning).toMatch(/\w/);
    }
  });
});
