// What pkijs says of a path that our own rules accept: it checks it once more, and processes certificate policies, which
// we do not. It gets one path and nothing to search, and its signatures are verified by our provider.

import { CertificateChainValidationEngine, CryptoEngine, Certificate as LibraryCertificate } from 'pkijs';
import { equalBytes } from '../../bytes/index.ts';
import type { Certificate } from '../x509.ts';
import type { SignatureVerdict } from './certificate-signature.ts';
import { CertificateRefusedError } from './refusal.ts';

type Verify = (signed: Certificate, issuer: Certificate) => SignatureVerdict;

/**
 * @param path leaf first, anchor last
 * @param time milliseconds since 1970; undefined: dates do not count
 * @throws CertificateRefusedError `library`
 */
export async function askLibrary(
  path: readonly Certificate[],
  time: number | undefined,
  verify: Verify,
): Promise<void> {
  const message = await objection(path, time, verify);
  if (message !== undefined) throw new CertificateRefusedError('library', message, path[0]);
}

async function objection(path: readonly Certificate[], time: number | undefined, verify: Verify) {
  try {
    const certificates = path.map(({ der }) => LibraryCertificate.fromBER(der));
    const checkDate = new Date(time ?? 0);
    if (time === undefined) for (const each of certificates) each.notBefore.value = each.notAfter.value = checkDate;
    const [leaf, ...others] = certificates;
    const engine = new CertificateChainValidationEngine({
      trustedCerts: others.slice(-1),
      certs: [...others.slice(0, -1), leaf!], // the leaf is to be the last
      checkDate,
    });
    const { result, resultMessage } = await engine.verify({}, new ProviderEngine(path, verify));
    return result ? undefined : resultMessage;
  } catch (error) {
    return error instanceof Error ? error.message : 'it cannot be judged';
  }
}

/** Verifies by the provider: one certificate of the path by another, and nothing else. */
class ProviderEngine extends CryptoEngine {
  readonly #path: readonly Certificate[];
  readonly #verify: Verify;

  constructor(path: readonly Certificate[], verify: Verify) {
    super({ name: 'provider', crypto: globalThis.crypto });
    this.#path = path;
    this.#verify = verify;
  }

  override async verifyWithPublicKey(
    ...[data, , key]: Parameters<CryptoEngine['verifyWithPublicKey']>
  ): Promise<boolean> {
    const tbs = ArrayBuffer.isView(data) ? bytesOf(data) : new Uint8Array(data);
    const spki = new Uint8Array(key.toSchema().toBER());
    const signed = this.#path.find((each) => equalBytes(each.tbs, tbs));
    const issuer = this.#path.find((each) => equalBytes(each.publicKey.spki, spki));
    return signed !== undefined && issuer !== undefined && this.#verify(signed, issuer) === 'valid';
  }
}

const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
