import { BlockList, isIP } from 'node:net';

const listOf = (...subnets: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[]): BlockList => {
  const list = new BlockList();
  for (const [address, prefix, family] of subnets) list.addSubnet(address, prefix, family);
  return list;
};

const loopback = listOf(['127.0.0.0', 8, 'ipv4'], ['::1', 128, 'ipv6']);

/**
 * unsafe are addresses that no release has business with: link-local ones (where clouds keep instance credentials),
 * the metadata addresses that clouds put elsewhere (Alibaba Cloud 100.100.100.200, AWS fd00:ec2::254), and "this host".
 */
const unsafe = listOf(
  ['169.254.0.0', 16, 'ipv4'],
  ['fe80::', 10, 'ipv6'],
  ['100.100.100.200', 32, 'ipv4'],
  ['fd00:ec2::254', 128, 'ipv6'],
  ['0.0.0.0', 8, 'ipv4'],
  ['::', 128, 'ipv6'],
);

/**
 * instanceMetadata is where instances of Alibaba Cloud (ECS) find the credentials of their role. It is the one metadata
 * address that may be asked, and only by a request that says so (`HttpRequest.metadata`).
 */
export const instanceMetadata = 'http://100.100.100.200';

/** hostOf is a URL's host as names and addresses are compared: without brackets and without a last dot. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');

const holds = (list: BlockList, address: string): boolean => {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
};

/** isLoopbackAddress tells whether an IP address is this machine's own. */
export const isLoopbackAddress = (address: string): boolean => holds(loopback, address);

/** isUnsafeAddress tells whether an IP address is link-local, a cloud's metadata service or unspecified. */
export const isUnsafeAddress = (address: string): boolean => holds(unsafe, address);

/** isLoopbackHost tells whether a host name or address means this machine: 127.0.0.1, ::1 or localhost. */
export const isLoopbackHost = (host: string): boolean => host === 'localhost' || isLoopbackAddress(host);
