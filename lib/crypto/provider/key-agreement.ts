// Diffie-Hellman over the groups of RFC 8422 §5.1.1 with ephemeral keys: what a provider offers, and how private keys
// are drawn.

import { copyBytes, fromHex } from '../../bytes/index.ts';
import type { RandomSource } from '../../runtime/index.ts';

/** IANA's names of TLS Supported Groups. */
export type NamedGroup = 'x25519' | 'secp256r1' | 'secp384r1';

/** Lengths in bytes. */
export interface GroupParameters {
  /** IANA's number. */
  readonly id: number;
  readonly privateKeyLength: number;
  /** A u-coordinate (RFC 7748 §5), or an uncompressed point (SEC 1 §2.3.3). */
  readonly publicKeyLength: number;
  readonly sharedSecretLength: number;
}

/** RFC 8422 §5.1.1, RFC 7748 §6.1. */
export const GROUP_PARAMETERS: Readonly<Record<NamedGroup, GroupParameters>> = {
  x25519: { id: 29, privateKeyLength: 32, publicKeyLength: 32, sharedSecretLength: 32 },
  secp256r1: { id: 23, privateKeyLength: 32, publicKeyLength: 65, sharedSecretLength: 32 },
  secp384r1: { id: 24, privateKeyLength: 48, publicKeyLength: 97, sharedSecretLength: 48 },
};

/** Every group's name. */
export const NAMED_GROUPS: readonly NamedGroup[] = Object.keys(GROUP_PARAMETERS) as NamedGroup[];

/** One ephemeral key pair. */
export interface KeyShare {
  /** What the peer gets: a u-coordinate or an uncompressed point, as the group has it. */
  readonly publicKey: Uint8Array;
  /**
   * The shared secret: the x-coordinate with its leading zeros (RFC 8422 §5.10), as a new array. Undefined, never an
   * error, if the peer's key is not one: a wrong length, a compressed or hybrid form (RFC 8422 §5.4.1), a point that is
   * not on the curve, one that gives an all-zero secret (RFC 8422 §5.11).
   */
  agree(peerPublicKey: Uint8Array): Uint8Array | undefined;
  /** Zeroes what key material this provider can reach; `agree` throws afterwards. */
  destroy(): void;
}

export interface KeyAgreement {
  /** A new key pair. @throws Error if `random` gives no usable key, which a working one does */
  generate(random: RandomSource): KeyShare;
}

/** SP 800-186 §3.2.1.3, §3.2.1.4: n. */
const ORDERS: Readonly<Record<Exclude<NamedGroup, 'x25519'>, Uint8Array>> = {
  secp256r1: fromHex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'),
  secp384r1: fromHex(
    'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
  ),
};

const UNCOMPRESSED = 0x04; // SEC 1 §2.3.3

const TRIES = 64; // a good source fails one of them in 2^32 (secp256r1); this bound is for a broken one

/** A private key: any 32 bytes for x25519, else uniform in 1 to n - 1 by rejection (FIPS 186-5 appendix A.2.2). */
export function drawPrivateKey(group: NamedGroup, random: RandomSource): Uint8Array {
  const length = GROUP_PARAMETERS[group].privateKeyLength;
  if (group === 'x25519') return copyBytes(random.bytes(length));
  for (let i = 0; i < TRIES; i++) {
    const candidate = copyBytes(random.bytes(length));
    if (isScalar(group, candidate)) return candidate;
  }
  throw new Error(`the random source gave no ${group} private key in ${TRIES} tries`);
}

/** Whether bytes as long as the group's private keys are 1 to n - 1, in time independent of them. */
export function isScalar(group: 'secp256r1' | 'secp384r1', candidate: Uint8Array): boolean {
  const order = ORDERS[group];
  let borrow = 0;
  let any = 0;
  for (let i = order.length - 1; i >= 0; i--) {
    borrow = ((candidate[i]! - order[i]! - borrow) >> 8) & 1;
    any |= candidate[i]!;
  }
  return borrow === 1 && any !== 0;
}

/** Whether bytes have the form of the group's public keys; of points, only uncompressed ones (RFC 8422 §5.4.1). */
export function isPublicKeyForm(group: NamedGroup, bytes: Uint8Array): boolean {
  if (bytes.length !== GROUP_PARAMETERS[group].publicKeyLength) return false;
  return group === 'x25519' || bytes[0] === UNCOMPRESSED;
}
