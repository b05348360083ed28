// Name resolution by the operating system.

import { lookup } from 'node:dns/promises';
import { type Resolver, literalFamily } from '../address.ts';
import { fromNodeError } from './node-errors.ts';

/** getaddrinfo: hosts file, DNS and whatever else the system is set up for, in its order (RFC 6724). */
export const systemResolver: Resolver = async (host) => {
  if (literalFamily(host) !== undefined) return [host];
  try {
    const found = await lookup(host, { all: true, verbatim: true });
    return found.map(({ address }) => address);
  } catch (error) {
    throw fromNodeError(error);
  }
};
