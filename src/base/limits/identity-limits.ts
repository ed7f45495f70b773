/** Who may connect. See limits.ts. */
import { KiB } from './units.ts';

const DAY_MS = 86_400_000;

export const identityLimits = {
  /** Passwords checked at once: each takes 16 MiB and 50 ms of a thread of libuv's four. */
  passwordChecksMax: 16,
  /** Wrong names or secrets from one address within the window, then it waits for the window's end. */
  failedLoginsMax: 20,
  failedLoginsWindowMs: 60_000,
  /** Addresses remembered for it; the oldest is forgotten. */
  failedSourcesMax: 10_000,
  /** Identities remembered that are asked about by name only: who set a retained message. */
  identitiesByNameMax: 10_000,
  /** Filters granted to one name. */
  grantsPerIdentityMax: 1000,
  /** Time between two lines in the log about what one connection may not. */
  deniedLogMs: 60_000,
  /** Denials remembered for operators, the same ones as one; the oldest is forgotten. */
  denialsKeptMax: 500,
  /** Bytes of a JSON Web Token; what CONNECT and an HTTP header hold. */
  jwtBytesMax: 8 * KiB,
  /** How far the clocks of an issuer and the bridge may differ. */
  jwtClockSkewMs: 30_000,
  /** How long before its end a token may be used: one that never ends cannot be taken back. */
  jwtLifetimeMaxMs: 400 * DAY_MS,
  /** Keys in a key set: each may have to be tried. */
  jwtKeysMax: 100,
  /** Agents, or models, that one token names. */
  agentPatternsMax: 100,
  /** HTTP tokens at once. */
  httpTokensMax: 10_000,
  /** Sessions of one user who logged in; the oldest ends. */
  loginsPerUserMax: 20,
  /** How often open WebSockets are looked at for tokens that have expired. */
  callerCheckMs: 1_000,
  /** Time after which who logged in has to do it again: a working day. */
  loginMs: 12 * 3_600_000,
  /** Requests a second of one token, user or address, and how many it may save up; then 429. */
  httpRequestsPerSecondMax: 200,
  httpRequestsBurstMax: 1_000,
  /** Callers and addresses whose rate is remembered; the oldest is forgotten. */
  httpRatesKeptMax: 10_000,
  /** Claim tokens made at once. */
  claimsAtOnceMax: 100_000,
} as const;
