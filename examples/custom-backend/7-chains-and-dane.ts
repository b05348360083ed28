// Chapter 7, chains and DANE: our CAs go with our certificate, and TLSA records say which server it must be (RFC 6698).

import { SIGNING_KEY, completeChain, loadOwnCertificate, loadTrustAnchors } from '../../lib/crypto/index.ts';
import type { Environment } from '../../lib/index.ts';
import {
  type CertificateSecurity,
  type DatagramSocket,
  type SecurityBackend,
  SocketError,
  type SslConfiguration,
  type TlsaRecord,
  type WritableOptions,
} from '../../lib/net/index.ts';
import type { BackendOptions } from './1-stub.ts';
import { provider } from './2-psk.ts';
import { type Chapter, type Made, backendOf } from './chapter.ts';
import { type ResumableCredentials, resumablePsk } from './4-resumption.ts';
import {
  CERTIFICATE_CAPABILITIES,
  CertificateSocket,
  type OwnCertificate,
  certificateCredentials,
  tellOwn,
} from './6-certificates.ts';

/** All that was given; where it is asked for, completed by what the trust anchors know of the way up. */
export function ownChain(security: CertificateSecurity): OwnCertificate | undefined {
  const { clientChain, clientKey, trustAnchors, rebuildClientChain } = security;
  const anchors = trustAnchors === undefined ? [] : loadTrustAnchors(trustAnchors);
  const own = loadOwnCertificate(clientChain, clientKey, { provider }, SIGNING_KEY);
  if (own === undefined) return undefined;
  const path = rebuildClientChain === true ? completeChain(own.chain, anchors) : own.chain;
  return { chain: path.map(({ der }) => der), key: own.key };
}

export class DaneSocket extends CertificateSocket {
  #tlsa: readonly TlsaRecord[] = [];

  constructor(environment: Environment, made: Made<ResumableCredentials>) {
    super(environment, made);
    const { daneTlsaRecords } = made.configuration;
    if (daneTlsaRecords !== undefined) this.#tlsa = this.#checked(daneTlsaRecords);
  }

  protected override get tlsa(): readonly TlsaRecord[] {
    return this.#tlsa;
  }

  /** Records are looked up between the making of a socket and its connect: they come as an option. */
  override setOption<K extends keyof WritableOptions>(key: K, value: WritableOptions[K]): void;
  override setOption(key: keyof WritableOptions, value: never): void {
    if (key === 'daneTlsaRecords') this.#tlsa = this.#checked(value);
    else super.setOption(key, value);
  }

  #checked(records: readonly TlsaRecord[]): readonly TlsaRecord[] {
    const { security } = this.made.configuration;
    if (security.mode !== 'certificate' || security.dane !== true) {
      const expected = "without use unless security.mode is 'certificate' with `dane`";
      throw new SocketError('ENOTSUP', `daneTlsaRecords: ${expected}`, { fatal: false });
    }
    return records.map((record) => ({ ...record, associationData: record.associationData.slice() }));
  }
}

export const DANE_CAPABILITIES = { ...CERTIFICATE_CAPABILITIES, dane: true } as const;

export function anyCredentials(configuration: SslConfiguration, environment: Environment): ResumableCredentials {
  const { security } = configuration;
  if (security.mode === 'psk') return resumablePsk(security);
  if (security.mode !== 'certificate') throw new SocketError('ENOTSUP', `security.mode: found ${security.mode}`);
  for (const option of ['clientCredentials', 'systemTrustStore'] as const) {
    if (security[option] !== undefined) throw new SocketError('ENOTSUP', `this tutorial has no ${option}`);
  }
  const own = ownChain(security);
  tellOwn(configuration, own);
  return certificateCredentials(security, own, environment);
}

export function chained(options: BackendOptions): SecurityBackend<DatagramSocket> {
  const make: Chapter<ResumableCredentials>['make'] = (environment, made) => new DaneSocket(environment, made);
  const chapter = { name: 'chapter 7', capabilities: DANE_CAPABILITIES, later: [], load: anyCredentials, make };
  return backendOf(chapter, options);
}
