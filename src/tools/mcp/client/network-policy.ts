/**
 * Which addresses a connection to a foreign server may go to. A server's URL, a redirect, or the authorization server
 * it names could point at this machine or its network: those are refused unless the settings allow them.
 */
import { BlockList, isIP } from 'node:net';

/** What the settings allow beyond the public internet. */
export interface NetworkPolicy {
  /** Servers on this machine (127.0.0.0/8, ::1). */
  readonly loopback?: boolean;
  /** Servers in private networks (RFC 1918, RFC 4193, carrier-grade NAT). */
  readonly private?: boolean;
}

type Reach = 'public' | 'private' | 'loopback' | 'never';

/** `[network, prefix]`; IPv4 rules also hold for their IPv4-mapped IPv6 form. */
const RANGES: Readonly<Record<Exclude<Reach, 'public'>, readonly [string, number][]>> = {
  loopback: [
    ['127.0.0.0', 8],
    ['::1', 128],
  ],
  private: [
    ['10.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    ['100.64.0.0', 10], // RFC 6598
    ['fc00::', 7], // RFC 4193
  ],
  // IANA special-purpose registries: this host, link-local (cloud metadata), documentation, benchmarks, multicast,
  // reserved, and the IPv6 forms that embed an IPv4 address (translation, 6to4, Teredo).
  never: [
    ['0.0.0.0', 8],
    ['169.254.0.0', 16],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 3],
    ['::', 128],
    ['64:ff9b::', 96],
    ['64:ff9b:1::', 48],
    ['100::', 64],
    ['2001::', 32],
    ['2001:db8::', 32],
    ['2002::', 16],
    ['fe80::', 10],
    ['fec0::', 10],
    ['ff00::', 8],
  ],
};

const LISTS = Object.entries(RANGES).map(([reach, ranges]) => {
  const list = new BlockList();
  for (const [network, prefix] of ranges)
    list.addSubnet(network, prefix, isIP(network) === 6 ? 'ipv6' : 'ipv4');
  return { reach: reach as Reach, list }; // a key of RANGES
});

/** Whether a connection to this IP address (not a name) may be made. */
export function isAllowedAddress(address: string, policy: NetworkPolicy): boolean {
  switch (reachOf(address)) {
    case 'public':
      return true;
    case 'private':
      return policy.private === true;
    case 'loopback':
      return policy.loopback === true;
    default:
      return false;
  }
}

function reachOf(address: string): Reach {
  const version = isIP(address);
  if (version === 0) return 'never';
  const family = version === 6 ? 'ipv6' : 'ipv4';
  return LISTS.find(({ list }) => list.check(address, family))?.reach ?? 'public';
}

/** Whether a URL plainly names this machine. */
export function isLoopbackUrl(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return url.protocol === 'http:' && (host === 'localhost' || reachOf(host) === 'loopback');
}
