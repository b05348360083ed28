// Private keys into node:crypto.

import { type JsonWebKeyInput, type KeyObject, type PrivateKeyInput, createPrivateKey } from 'node:crypto';

/**
 * Node takes any error in OpenSSL's queue of the thread for one of the key's, though somebody else left it there, and
 * clears the queue by failing (seen with Node 20). So what fails is tried once more.
 * @throws Error in OpenSSL's words, which may quote
 */
export function privateKeyObject(input: PrivateKeyInput | JsonWebKeyInput): KeyObject {
  try {
    return createPrivateKey(input);
  } catch {
    return createPrivateKey(input);
  }
}
