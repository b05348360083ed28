// The public-key work of a handshake: ephemeral keys agreed on, signatures checked, job answers taken apart.

import {
  type KeyShare,
  type NamedGroup,
  type SignatureScheme,
  TLS12_ONLY_SCHEMES,
} from '../../lib/crypto/provider/provider.ts';
import { SocketError } from '../../lib/net/index.ts';
import { ALERT, HandshakeRefusal } from './alerts.ts';
import type { Ciphersuite } from './ciphersuites.ts';
import type { DtlsJobAnswer, OwnCertificate, PskAnswer } from './connection.ts';
import type { Handshake } from './handshake-state.ts';
import type { DigitallySigned, EcdhParams } from './key-exchange-messages.ts';
import { groupById, keyFits, schemeKey, schemesById } from './registries.ts';

/** Our answer to the peer's ephemeral key. Whoever holds it last zeroes `secret`. */
export interface Agreement {
  readonly group: NamedGroup;
  /** Our public key. */
  readonly point: Uint8Array;
  readonly secret: Uint8Array;
}

/** Client: a key of our own for the server's. @throws HandshakeRefusal for a group not offered, or no point of it */
export function agreeOn(handshake: Handshake, params: EcdhParams): Agreement {
  const { groups, provider, random } = handshake.options;
  const group = groupById(params.group);
  if (group === undefined || !groups.includes(group)) {
    throw new HandshakeRefusal(ALERT.illegalParameter, `namedcurve: ${params.group} was not offered`);
  }
  const share = provider.keyAgreement(group).generate(random);
  try {
    return { group, point: share.publicKey, secret: agreedSecret(share, params.point) };
  } finally {
    share.destroy();
  }
}

/** @throws HandshakeRefusal if the peer's key is none */
export function agreedSecret(share: KeyShare, peerPoint: Uint8Array): Uint8Array {
  const secret = share.agree(peerPoint);
  if (secret === undefined)
    throw new HandshakeRefusal(ALERT.illegalParameter, 'ECPoint: not a public key of its group');
  return secret;
}

/** @throws HandshakeRefusal for a scheme not offered or not of the suite's kind, or a signature by another key */
export function checkSignature(
  handshake: Handshake,
  signed: DigitallySigned,
  publicKey: Uint8Array,
  message: Uint8Array,
  of: { readonly what: string; readonly suite?: Ciphersuite },
): void {
  const { signatureSchemes, provider } = handshake.options;
  const schemes = schemesById(signed.scheme).filter(
    (scheme) =>
      signatureSchemes.includes(scheme) && (of.suite === undefined || keyFits(of.suite.keyExchange, schemeKey(scheme))),
  );
  if (schemes.length === 0) {
    const number = `0x${signed.scheme.toString(16).padStart(4, '0')}`;
    throw new HandshakeRefusal(
      ALERT.illegalParameter,
      `${of.what}: signature scheme ${number} was not offered for this`,
    );
  }
  // A provider takes no key for another curve, so at most one of them is a whole verification.
  if (!schemes.some((scheme) => provider.verify(scheme, publicKey, message, signed.signature))) {
    throw new HandshakeRefusal(ALERT.decryptError, `${of.what}: not signed by the key of the peer's certificate`);
  }
}

/** The first of the peer's schemes that our key can sign with. */
export function schemeFor(
  schemes: readonly SignatureScheme[],
  { algorithm, schemes: ours }: OwnCertificate,
): SignatureScheme | undefined {
  return schemes.find((scheme) => schemeKey(scheme) === algorithm && (ours?.includes(scheme) ?? true));
}

/** Those of the peer's numbers that we have too, in the peer's order, but those last that not every peer takes. */
export function commonSchemes(handshake: Handshake, ids: readonly number[]): readonly SignatureScheme[] {
  const common = ids.flatMap(schemesById).filter((scheme) => handshake.options.signatureSchemes.includes(scheme));
  return [
    ...common.filter((scheme) => !TLS12_ONLY_SCHEMES.has(scheme)),
    ...common.filter((scheme) => TLS12_ONLY_SCHEMES.has(scheme)),
  ];
}

// Job answers. One of another kind is a mistake of whoever drives the connection.

/** @throws HandshakeRefusal by this alert if there is none */
export function pskOf(answer: DtlsJobAnswer, alert: number, refusal: string): PskAnswer {
  if (answer === undefined) throw new HandshakeRefusal(alert, refusal);
  if ('key' in answer) return answer;
  if ('alert' in answer) throw new HandshakeRefusal(answer.alert, answer.reason);
  throw misuse('a key');
}

/** The leaf's public key, copied. @throws HandshakeRefusal if the chain is not trusted */
export function verifiedKey(answer: DtlsJobAnswer): Uint8Array {
  if (answer === undefined) throw new HandshakeRefusal(ALERT.badCertificate, "the peer's certificate was refused");
  if ('publicKey' in answer) return answer.publicKey.slice();
  if ('alert' in answer) throw new HandshakeRefusal(answer.alert, answer.reason);
  throw misuse('a public key, or an alert and its reason');
}

/** Undefined if there is no certificate to show. */
export function certificateOf(answer: DtlsJobAnswer): OwnCertificate | undefined {
  if (answer === undefined) return undefined;
  if (!('chain' in answer)) throw misuse('a chain');
  return answer.chain.length === 0 ? undefined : answer;
}

/** @throws HandshakeRefusal if the key refused to sign */
export function signatureOf(answer: DtlsJobAnswer): Uint8Array {
  if (answer === undefined) throw new HandshakeRefusal(ALERT.internalError, 'our own key did not sign');
  if ('signature' in answer) return answer.signature;
  throw misuse('a signature');
}

function misuse(expected: string): SocketError {
  return new SocketError('EINVAL', `answer: expected ${expected}, found the answer to another question`);
}
