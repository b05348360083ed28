// A session recorded with another stack, and our side of it: played back in specs, or live while it is recorded.

import { fromHex, toHex, utf8Decode, utf8Encode } from '../../../lib/bytes/index.ts';
import type {
  CryptoProvider,
  NamedGroup,
  SignatureScheme,
  SigningKeyAlgorithm,
} from '../../../lib/crypto/provider/provider.ts';
import type { Endpoint, Negotiated } from '../../../lib/net/index.ts';
import { type Instant, SeededRandom } from '../../../lib/runtime/index.ts';
import { DtlsClient } from '../../../security-backends/native/client.ts';
import type {
  DtlsConnection,
  DtlsJob,
  DtlsJobAnswer,
  DtlsOptions,
} from '../../../security-backends/native/connection.ts';
import { CookieGate } from '../../../security-backends/native/cookie-gate.ts';
import { DtlsServer } from '../../../security-backends/native/server.ts';

/** All bytes in hex. */
export interface Session {
  readonly source: string;
  readonly role: 'client' | 'server';
  readonly seed: number;
  readonly gateSeed?: number;
  readonly from?: Endpoint;
  readonly mtu: number;
  readonly suite: number;
  readonly hint?: string;
  readonly psk?: string;
  readonly identity?: string;
  readonly certificate?: RecordedCertificate;
  readonly keyLog: string;
  readonly sent: string;
  readonly received: string;
  readonly extendedMasterSecret?: 'prefer';
  /** The id that the peer is given; empty: it is only offered. */
  readonly connectionId?: string;
  /** What was offered then; the defaults may have changed. */
  readonly groups?: readonly NamedGroup[];
  readonly signatureSchemes?: readonly SignatureScheme[];
  readonly datagrams: readonly { readonly from: 'client' | 'server'; readonly hex: string }[];
}

/** What a session with certificates or raw public keys was held with. */
export interface RecordedCertificate {
  readonly credential: 'certificate' | 'rawPublicKey';
  readonly algorithm: SigningKeyAlgorithm;
  /** What we showed, leaf first. */
  readonly chain: readonly string[];
  /** By our key, which is not kept: ECDSA takes chance of its own. */
  readonly signature: string;
  /** The peer's key, as its certificate has it; none if the peer showed nothing. */
  readonly peerPublicKey?: string;
}

const NOW = 1_000 as Instant;

/** Our side of a recorded session. */
export class Replayed {
  readonly sent: string[] = [];
  readonly keyLog: string[] = [];
  received = '';
  negotiated: Negotiated | undefined;
  #connection: DtlsConnection | undefined;
  readonly #gate: CookieGate;
  readonly #session: Session;
  readonly #options: DtlsOptions;

  constructor(session: Session, provider: CryptoProvider) {
    this.#session = session;
    this.#options = {
      mtu: session.mtu,
      provider,
      random: new SeededRandom(session.seed),
      ciphersuites: [session.suite],
      credential: session.certificate?.credential ?? 'psk',
      extendedMasterSecret: session.extendedMasterSecret,
      connectionId: session.connectionId === undefined ? undefined : { own: fromHex(session.connectionId) },
      groups: session.groups,
      signatureSchemes: session.signatureSchemes,
      keyLog: (line) => this.keyLog.push(line),
    };
    this.#gate = new CookieGate({ provider, random: new SeededRandom(session.gateSeed ?? 0) });
    if (session.role === 'server') return;
    this.#connection = new DtlsClient({ ...this.#options, hasCertificate: true });
    this.#connection.start(NOW);
    this.#pump();
  }

  get state(): string {
    return this.#connection?.state ?? 'none';
  }

  take(datagram: Uint8Array): void {
    if (this.#connection === undefined) return this.#admit(datagram);
    this.#connection.handleDatagram(datagram, NOW);
    this.#pump();
  }

  #admit(datagram: Uint8Array): void {
    const verdict = this.#gate.inspect(datagram, this.#session.from!, NOW);
    if (verdict.kind === 'reply') this.sent.push(toHex(verdict.datagram));
    if (verdict.kind !== 'verified') return;
    const { hint } = this.#session;
    const identityHint = hint === undefined ? undefined : utf8Encode(hint);
    this.#connection = new DtlsServer({
      ...this.#options,
      verified: verdict,
      identityHint,
      clientCertificate: this.#clientCertificate,
    });
    this.#connection.start(NOW);
    this.#pump();
  }

  #pump(): void {
    const connection = this.#connection!;
    const { role, sent } = this.#session;
    for (let output = connection.poll(); output !== undefined; output = connection.poll()) {
      if (output.kind === 'transmit') this.sent.push(toHex(output.datagram));
      else if (output.kind === 'job') {
        connection.answer(output.job.id, this.answer(output.job), NOW);
      } else if (output.kind === 'connected') {
        this.negotiated = output.negotiated;
        if (role === 'client') connection.send(utf8Encode(sent));
      } else if (output.kind === 'data') {
        this.received += utf8Decode(output.bytes);
        if (role === 'client') connection.close(NOW);
        else connection.send(utf8Encode(sent));
      }
    }
  }

  get #clientCertificate(): 'require' | 'none' {
    return this.#session.certificate?.peerPublicKey === undefined ? 'none' : 'require';
  }

  /** As it was when the session was recorded. */
  protected answer(job: DtlsJob): DtlsJobAnswer {
    const { psk, identity, certificate } = this.#session;
    if (certificate === undefined) return { identity: utf8Encode(identity!), key: fromHex(psk!) };
    if (job.type === 'verifyChain') return { publicKey: fromHex(certificate.peerPublicKey!) };
    if (job.type === 'sign') return { signature: fromHex(certificate.signature) };
    return { chain: certificate.chain.map((each) => fromHex(each)), algorithm: certificate.algorithm };
  }
}
