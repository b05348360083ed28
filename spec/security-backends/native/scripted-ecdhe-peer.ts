// A scripted peer with ephemeral keys on P-256 and certificates, right or wrong. On node:crypto alone, as its base.

import { type ECDH, createECDH, sign } from 'node:crypto';
import type { Holder } from './certificate-pair.ts';
import { MESSAGE, ScriptedPeer, extension, join, u16, u24, vector16, vector8 } from './scripted-peer.ts';

export const ECDSA_CCM_8 = 0xc0ae;
export const ECDHE_PSK_CCM_8 = 0xd003;
export const SECP256R1 = 23;
export const X25519 = 29;
export const ECDSA_SHA256 = 0x0403;

/** supported_groups, ec_point_formats and signature_algorithms of a client. */
export function ecdheExtensions(
  options: { groups?: readonly number[]; schemes?: readonly number[]; formats?: readonly number[] } = {},
): Uint8Array {
  const list = (values: readonly number[]): Uint8Array => vector16(join(...values.map(u16)));
  return join(
    extension(10, list(options.groups ?? [SECP256R1])),
    extension(11, vector8(Uint8Array.from(options.formats ?? [0]))),
    extension(13, list(options.schemes ?? [ECDSA_SHA256])),
  );
}

/** What can be wrong with a ServerKeyExchange. */
export interface KeyExchangeOverrides {
  readonly point?: Uint8Array;
  readonly group?: number;
  readonly curveType?: number;
  readonly scheme?: number;
  /** What is signed in place of both randoms and the params. */
  readonly signed?: Uint8Array;
}

export class ScriptedEcdhePeer extends ScriptedPeer {
  readonly #ecdh: ECDH = createECDH('prime256v1');
  readonly point: Uint8Array;
  premaster: Uint8Array = new Uint8Array(0);

  constructor(role: 'client' | 'server', key: Uint8Array = new Uint8Array(0)) {
    super(role, key);
    this.point = Uint8Array.from(this.#ecdh.generateKeys());
    this.suite = ECDSA_CCM_8;
  }

  params({ point = this.point, group = SECP256R1, curveType = 3 }: KeyExchangeOverrides = {}): Uint8Array {
    return join([curveType], u16(group), vector8(point));
  }

  /** The body of a ServerKeyExchange by `holder`'s key (ECDSA on P-256). */
  signedKeyExchange(holder: Holder, overrides: KeyExchangeOverrides = {}): Uint8Array {
    const params = this.params(overrides);
    const signed = overrides.signed ?? join(this.clientRandom, this.serverRandom, params);
    return join(params, u16(overrides.scheme ?? ECDSA_SHA256), vector16(signatureOf(holder, signed)));
  }

  /** The body of a Certificate message. */
  certificateBody(chain: readonly Uint8Array[]): Uint8Array {
    const list = join(...chain.map((each) => join(u24(each.length), each)));
    return join(u24(list.length), list);
  }

  certificateRequestBody(options: { types?: readonly number[]; schemes?: readonly number[] } = {}): Uint8Array {
    const schemes = join(...(options.schemes ?? [ECDSA_SHA256]).map(u16));
    return join(vector8(Uint8Array.from(options.types ?? [64])), vector16(schemes), vector16(new Uint8Array(0)));
  }

  /** The body of CertificateVerify over the transcript so far. */
  certificateVerifyBody(holder: Holder, overrides: { scheme?: number; signed?: Uint8Array } = {}): Uint8Array {
    const signed = overrides.signed ?? join(...this.transcript);
    return join(u16(overrides.scheme ?? ECDSA_SHA256), vector16(signatureOf(holder, signed)));
  }

  /** The shared secret with the peer's point, kept as the premaster secret. */
  agree(peerPoint: Uint8Array): void {
    this.premaster = Uint8Array.from(this.#ecdh.computeSecret(peerPoint));
  }

  /** The server's point out of the body of its ServerKeyExchange. */
  static pointOf(body: Uint8Array): Uint8Array {
    return body.slice(4, 4 + body[3]!);
  }

  sendCertificate(chain: readonly Uint8Array[]): Uint8Array {
    return this.message(MESSAGE.certificate, this.certificateBody(chain));
  }
}

function signatureOf(holder: Holder, message: Uint8Array): Uint8Array {
  const key = { key: Buffer.from(holder.pkcs8), format: 'der', type: 'pkcs8' } as const;
  return Uint8Array.from(sign('sha256', message, key));
}
