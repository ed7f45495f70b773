/**
 * Settings from flags, MOORING_* variables and mooring.config.json, in this order, against one schema.
 * Unknown keys and bad values are refused with the key, the value and what is allowed.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { BridgeError } from './base/errors.ts';
import { limits } from './base/limits.ts';
import { LOG_LEVELS } from './base/log.ts';
import { text, wholeNumber, wordList } from './config-values.ts';

const port = wholeNumber(0, 65_535);
/** What nobody guesses; `openssl rand -hex 16` makes twice as many. */
const TOKEN_CHARACTERS_MIN = 16;

const schema = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('address to listen on; loopback only without authentication'),
  mqttPort: port.default(1883).describe('MQTT over TCP; 0 = any free port'),
  mqttsPort: port
    .nullable()
    .default(null)
    .describe('MQTT over TLS, with tls-cert and tls-key; 0 = any free port'),
  tlsCert: text('PEM file of the certificate and its chain'),
  tlsKey: text('PEM file of its key'),
  tlsCa: text('PEM file of authorities: devices with a certificate of theirs are known by its common name'),
  mqttPacketBytesMax: wholeNumber(1024, 268_435_455)
    .default(limits.mqttPacketBytesMax)
    .describe('bytes an MQTT packet may have; a CONNECT has 8 KiB at most'),
  mqttSessionExpiryS: wholeNumber(1, 4_294_967_295)
    .default(limits.mqttSessionExpiryMs / 1000)
    .describe('seconds an MQTT session is kept while its client is away'),
  mqttMessagesPerSecondMax: wholeNumber(1, 1_000_000)
    .default(limits.mqttMessagesPerSecondMax)
    .describe('messages and other requests one MQTT client may send in a second; more are read later'),
  mqttBytesPerSecondMax: wholeNumber(4096, 2 ** 40)
    .default(limits.mqttBytesPerSecondMax)
    .describe('bytes one MQTT client may send in a second; more are read later'),
  mqttConnectionsPerSourceMax: wholeNumber(1, limits.mqttConnectionsMax)
    .default(limits.mqttConnectionsPerSourceMax)
    .describe('MQTT connections of one address; those of this machine are not counted'),
  mqttConnectsPerSecondMax: wholeNumber(1, 1_000_000)
    .default(limits.mqttConnectsPerSecondMax)
    .describe('MQTT connections that are opened in a second; more wait'),
  mqttConnectsPerMinuteMax: wholeNumber(1, 1_000_000)
    .default(limits.mqttConnectsPerMinuteMax)
    .describe('times one name may connect within a minute; then it is refused for a minute'),
  httpPort: port
    .default(8080)
    .describe('HTTP, WebSocket, dashboard, MQTT over WebSocket at /mqtt; 0 = any free port'),
  dataDir: z.string().min(1).default('./data').describe('directory of the journal and the agents'),
  shards: wholeNumber(0, 256)
    .nullable()
    .default(null)
    .describe('threads for agents, 0 = the main one; default: as many as the data directory has, at first 1'),
  logLevel: z.enum(LOG_LEVELS).default('info').describe('least severe level that is logged'),
  logFormat: z
    .enum(['pretty', 'json'])
    .default(process.stderr.isTTY ? 'pretty' : 'json')
    .describe('pretty = a readable line, json = an object a line'),
  adminToken: text('bearer token for HTTP; none: HTTP is open on loopback', TOKEN_CHARACTERS_MIN),
  readToken: text(
    'bearer token that may read the API and /mcp, and change nothing; beside an admin token',
    TOKEN_CHARACTERS_MIN,
  ),
  actToken: text(
    'bearer token that may act under the policy of devices as well, and approve nothing: for models',
    TOKEN_CHARACTERS_MIN,
  ),
  jwtKeyFile: text('file with the secret an issuer of JSON Web Tokens shares with the bridge'),
  jwtJwksFile: text('file with the public keys of an issuer of JSON Web Tokens (a JWK set)'),
  jwtIssuer: text('`iss` of JSON Web Tokens; with jwt-jwks-file it must be set'),
  jwtAudience: text('`aud` of JSON Web Tokens that are for this bridge; with jwt-jwks-file it must be set'),
  devices: text('module with `definitions` and `agents`; default: the shipped models'),
  model: z
    .string()
    .min(1)
    .default('rules')
    .describe('language model of agents that chat: rules, gguf:<path>, or openai-compatible:<url>#<name>'),
  modelKey: text('key of the model endpoint; better in a file, see model-key-file'),
  modelKeyFile: text('file that holds the key of the model endpoint and nothing else'),
  modelTokensPerDay: wholeNumber(1, Number.MAX_SAFE_INTEGER)
    .default(limits.modelTokensPerDay)
    .describe('tokens one agent may use a day (UTC)'),
  programTypes: z
    .enum(['off', 'on'])
    .default('off')
    .describe('on = programs of models are checked against their tools before they run; needs TypeScript'),
  mcpAllow: wordList(['loopback', 'private', 'stdio'])
    .default([])
    .describe(
      'MCP servers agents may use beside public ones: loopback, private (networks), stdio (processes)',
    ),
  publicUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .nullable()
    .default(null)
    .describe('where people reach the HTTP port, for OAuth of MCP servers; default: host and http-port'),
  agentBytesMax: wholeNumber(1024 * 1024, 2 ** 40)
    .default(limits.agentBytesMax)
    .describe('bytes an agent may fill in a database of its own (`this.sql`, `this.storage`)'),
});

/** The settings of a bridge, as docs/cli.md lists them with their units, checked. */
export type Config = z.output<typeof schema>;
type Key = keyof Config;

/** Never shown, not even in an error. */
const SECRETS: ReadonlySet<string> = new Set<Key>(['adminToken', 'readToken', 'actToken', 'modelKey']);

const KEYS = Object.keys(schema.shape) as Key[]; // the shape's keys are Config's

/** `mqttPort` -> `MOORING_MQTT_PORT` */
function environmentName(key: string): string {
  return `MOORING_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** `mqttPort` -> `mqtt-port` */
function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Settings with their flag, variable, default and meaning, for `--help`. */
export function describeSettings(): {
  flag: string;
  environment: string;
  standard: string;
  meaning: string;
}[] {
  const defaults: Record<string, unknown> = schema.parse({});
  return KEYS.map((key) => ({
    flag: `--${flagName(key)}`,
    environment: environmentName(key),
    standard:
      key === 'logFormat'
        ? 'pretty on a terminal'
        : (JSON.stringify(defaults[key])?.replaceAll(/["[\]]/g, '') ?? '') || 'none',
    meaning: schema.shape[key].description ?? '',
  }));
}

export interface ConfigSources {
  /** By key, as given on the command line. */
  readonly flags?: Readonly<Record<string, string | undefined>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Directory of mooring.config.json. */
  readonly directory?: string;
}

/** The settings. @throws BridgeError BRG_CONFIG */
export function loadConfig(sources: ConfigSources): Config {
  const { flags = {}, environment = {}, directory = process.cwd() } = sources;
  const file = readConfigFile(resolve(directory, 'mooring.config.json'));
  const merged: Record<string, unknown> = { ...file };
  const origins = new Map(Object.keys(file).map((key) => [key, `${key} in mooring.config.json`]));
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('MOORING_') || value === undefined) continue;
    const key = KEYS.find((known) => environmentName(known) === name);
    if (key === undefined) throw unknownSetting(name, KEYS.map(environmentName));
    merged[key] = value;
    origins.set(key, name);
  }
  for (const [key, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    merged[key] = value;
    origins.set(key, `--${flagName(key)}`);
  }
  return checkConfig(merged, origins);
}

/** Settings given in code. @throws BridgeError BRG_CONFIG */
export function checkConfig(
  values: Readonly<Record<string, unknown>>,
  origins: ReadonlyMap<string, string> = new Map(),
): Config {
  const result = schema.safeParse(values);
  if (!result.success) throw invalidSetting(result.error, values, origins);
  const config = result.data;
  checkTokens(config, origins);
  checkJwt(config, origins);
  if (config.mqttsPort !== null && (config.tlsCert === null || config.tlsKey === null)) {
    const name = origins.get('mqttsPort') ?? 'mqttsPort';
    throw new BridgeError('BRG_CONFIG', `${name}: TLS needs a certificate: set tlsCert and tlsKey as well`);
  }
  return { ...config, dataDir: isAbsolute(config.dataDir) ? config.dataDir : resolve(config.dataDir) };
}

/** A token is one person's or program's, with one right: no two are the same, and none goes without the admin's. */
function checkTokens(config: Config, origins: ReadonlyMap<string, string>): void {
  const { adminToken, readToken, actToken } = config;
  const isBad = (token: string | null, others: readonly (string | null)[]): boolean =>
    token !== null && (adminToken === null || others.includes(token));
  const bad = isBad(readToken, [adminToken])
    ? 'readToken'
    : isBad(actToken, [adminToken, readToken])
      ? 'actToken'
      : undefined;
  if (bad === undefined) return;
  throw new BridgeError(
    'BRG_CONFIG',
    `${origins.get(bad) ?? bad}: (hidden) is not allowed: set adminToken as well, and each to another one`,
  );
}

/** One source of keys; and with keys that sign for other programs too, which tokens are meant. */
function checkJwt(config: Config, origins: ReadonlyMap<string, string>): void {
  const { jwtKeyFile, jwtJwksFile, jwtIssuer, jwtAudience } = config;
  const refuse = (key: Key, why: string): BridgeError =>
    new BridgeError('BRG_CONFIG', `${origins.get(key) ?? key}: ${why}`);
  if (jwtKeyFile !== null && jwtJwksFile !== null)
    throw refuse('jwtKeyFile', 'tokens are signed with a shared secret or with keys of a set: not both');
  if (jwtJwksFile !== null && (jwtIssuer === null || jwtAudience === null))
    throw refuse(
      'jwtJwksFile',
      'set jwtIssuer and jwtAudience as well: its keys sign for other programs too',
    );
  if (jwtKeyFile === null && jwtJwksFile === null && (jwtIssuer ?? jwtAudience) !== null)
    throw refuse(jwtIssuer === null ? 'jwtAudience' : 'jwtIssuer', 'set jwtJwksFile or jwtKeyFile as well');
}

/**
 * Refuses to be reached from other machines by people and devices nobody asks who they are.
 * @param known whether somebody is who may connect over MQTT, and over HTTP with something else than the admin token
 * @throws BridgeError BRG_CONFIG
 */
export function checkReach(config: Config, known: { readonly mqtt: boolean; readonly http: boolean }): void {
  if (isLoopback(config.host)) return;
  const missing = [
    ...(known.mqtt
      ? []
      : ['no MQTT user or device: `mooring user add <name>`, `mooring token create --model <model>`']),
    ...(config.adminToken === null && !known.http
      ? ['no token for HTTP: `mooring token create --http --name <name>`, or set MOORING_ADMIN_TOKEN']
      : []),
  ];
  if (missing.length === 0) return;
  throw new BridgeError(
    'BRG_CONFIG',
    `host ${config.host} is reachable from other machines, and there is ${missing.join(', and ')}; or use 127.0.0.1`,
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

function readConfigFile(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw new BridgeError('BRG_CONFIG', `${path} cannot be read: ${String(error)}`, { cause: error });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    throw new Error('it must be an object');
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new BridgeError('BRG_CONFIG', `${path} is not valid JSON: ${message}`, { cause: error });
  }
}

function invalidSetting(
  error: z.ZodError,
  values: Readonly<Record<string, unknown>>,
  origins: ReadonlyMap<string, string>,
): BridgeError {
  const issue = error.issues[0];
  if (issue?.code === 'unrecognized_keys') return unknownSetting(issue.keys[0] ?? '', KEYS);
  const key = String(issue?.path[0] ?? '');
  const shown = SECRETS.has(key) ? '(hidden)' : JSON.stringify(values[key]);
  const name = origins.get(key) ?? key;
  return new BridgeError('BRG_CONFIG', `${name}: ${shown} is not allowed: ${issue?.message ?? 'not valid'}`);
}

function unknownSetting(name: string, known: readonly string[]): BridgeError {
  return new BridgeError('BRG_CONFIG', `unknown setting ${name}; known are ${known.join(', ')}`);
}
