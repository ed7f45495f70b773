/** Who may connect. See limits.ts. */

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
  /** Claim tokens made at once. */
  claimsAtOnceMax: 100_000,
} as const;
