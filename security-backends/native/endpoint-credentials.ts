// What an endpoint answers the jobs of its handshakes with: its tags of the pool, and the handlers and choices of its user.

import { equalBytes } from '../../lib/bytes/index.ts';
import { isKnownKey, loadPsk, loadPskKey } from '../../lib/crypto/index.ts';
import type { Environment } from '../../lib/runtime/index.ts';
import { ALERT } from './alerts.ts';
import type { Credential } from './ciphersuites.ts';
import type { DtlsJob, DtlsJobAnswer, PskAnswer, RefusedChain } from './connection.ts';
import {
  type CredentialPool,
  CredentialPoolError,
  type CredentialType,
  EMPTY_TAG,
  type LoadedCredential,
  checkTag,
} from './credential-pool.ts';
import { type Answer, type OwnIdentity, answerForOwn } from './credentials.ts';
import type { ChosenPsk, DtlsEndpointOptions, EndpointLimits, KeyRefusal } from './endpoint-options.ts';
import type { EndpointSession } from './endpoint-session.ts';

type Options = Pick<
  DtlsEndpointOptions,
  'credentials' | 'tags' | 'handlers' | 'choosePsk' | 'chooseRawKey' | 'dangerAcceptAnyPeerKey'
>;
type Found<T extends CredentialType> = Extract<LoadedCredential, { readonly type: T }>;

/** The tags of an endpoint, in the order of preference, and what they give. */
export class EndpointCredentials {
  readonly #pool: CredentialPool;
  readonly #options: Options;
  readonly #limits: EndpointLimits;
  readonly #environment: Environment;
  #tags: readonly number[] = [];
  #tagChanges = 0;

  /** @throws CredentialPoolError EINVAL for a tag that is none */
  constructor(options: Options, limits: EndpointLimits, environment: Environment) {
    this.#pool = options.credentials;
    this.#options = options;
    this.#limits = limits;
    this.#environment = environment;
    for (const tag of options.tags ?? []) this.addTag(tag);
  }

  get tags(): readonly number[] {
    return this.#tags;
  }

  /** Grows with every change of tags or pool. */
  get revision(): number {
    return this.#pool.revision + this.#tagChanges;
  }

  /** Without effect if it is there. @throws CredentialPoolError EINVAL, ENOSPC */
  addTag(tag: number): void {
    checkTag(tag);
    if (this.#tags.includes(tag)) return;
    const { maxTags } = this.#limits;
    if (this.#tags.length >= maxTags) {
      throw new CredentialPoolError('ENOSPC', `tags: expected at most ${maxTags} (option maxTags)`);
    }
    this.#tags = [...this.#tags, tag];
    this.#tagChanges++;
  }

  /** @returns whether it was there */
  removeTag(tag: number): boolean {
    if (!this.#tags.includes(tag)) return false;
    this.#tags = this.#tags.filter((each) => each !== tag);
    this.#tagChanges++;
    return true;
  }

  /** Kinds of handshakes that can be had in a role, by the order of the tags. */
  kinds(role: 'client' | 'server'): readonly Credential[] {
    const kinds = new Set<Credential>();
    const { keys } = this.#options.handlers ?? {};
    for (const tag of this.#tags) {
      if (this.#pool.find(tag, 'psk') !== undefined) kinds.add('psk');
      const certificate = this.#pool.find(tag, 'certificate');
      if (certificate !== undefined && (role === 'client' || certificate.server !== undefined))
        kinds.add('certificate');
      if (this.#pool.find(tag, 'rawKey') !== undefined) kinds.add('rawPublicKey');
      if (role === 'client' && this.#pool.find(tag, 'peerKeys') !== undefined) kinds.add('rawPublicKey');
    }
    if ((role === 'client' ? keys?.identity : keys?.key) !== undefined) kinds.add('psk');
    if (role === 'client' && this.#options.dangerAcceptAnyPeerKey === true) kinds.add('rawPublicKey');
    return [...kinds];
  }

  /** Whether a client has a certificate or raw public key of this kind to show. */
  hasCertificate(kind: Credential): boolean {
    if (kind === 'rawPublicKey') return this.#first('rawKey') !== undefined;
    return kind === 'certificate' && this.#first('certificate')?.client.hasCertificate === true;
  }

  /** The server's hint: the handler's, or that of the first tag that has one. */
  hint(session: EndpointSession): Uint8Array | undefined {
    const given = this.#options.handlers?.keys?.hint?.(session);
    return given?.slice() ?? this.#all('psk').find(({ hint }) => hint !== undefined)?.hint;
  }

  /** What a server asks of a client's certificate, and whose certificates it names. */
  get serverCertificate(): {
    readonly clientCertificate: 'require' | 'none';
    readonly authorities: readonly Uint8Array[];
  } {
    return this.#certificateServer ?? { clientCertificate: 'require', authorities: [] };
  }

  /** What nobody can give is undefined, or thrown. */
  answer(job: DtlsJob, kind: Credential, session: EndpointSession): Answer {
    const refused = this.#tooLong(job);
    if (refused !== undefined) return refused;
    if (job.type === 'choosePsk') return this.#choosePsk(job.hint, session);
    if (job.type === 'lookupPsk') return this.#lookupPsk(job.identity, session);
    if (kind === 'rawPublicKey') return this.#answerRawKey(job, session);
    if (session.role === 'server') return this.#certificateServer?.answer(job, session.remote);
    const host = session.serverName ?? session.remote.address;
    return this.#first('certificate')?.client.answer(job, { host, tlsa: [] });
  }

  get #certificateServer(): Found<'certificate'>['server'] {
    return this.#all('certificate').find(({ server }) => server !== undefined)?.server;
  }

  #all<T extends CredentialType>(type: T): readonly Found<T>[] {
    return this.#tags.flatMap((tag) => this.#pool.find(tag, type) ?? []);
  }

  #first<T extends CredentialType>(type: T): Found<T> | undefined {
    for (const tag of this.#tags) {
      const found = this.#pool.find(tag, type);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #tagsWith(type: CredentialType): readonly number[] {
    return this.#tags.filter((tag) => this.#pool.find(tag, type) !== undefined);
  }

  #tooLong(job: DtlsJob): RefusedChain | undefined {
    const most = this.#limits.maxCredentialBytes;
    const bytes = credentialBytes(job);
    if (bytes <= most) return undefined;
    const alert = job.type === 'verifyChain' ? ALERT.badCertificate : ALERT.handshakeFailure;
    return {
      alert,
      reason: `expected at most ${most} bytes of credentials (option maxCredentialBytes), found ${bytes}`,
    };
  }

  // Client.

  #choosePsk(hint: Uint8Array | undefined, session: EndpointSession): Answer {
    const given = this.#options.handlers?.keys?.identity?.(session, hint?.slice());
    const settle = (chosen: ChosenPsk | KeyRefusal | undefined): DtlsJobAnswer =>
      chosen === undefined ? this.#pskOfPool(hint, session) : chosenPsk(chosen, this.#environment);
    return given instanceof Promise ? given.then(settle) : settle(given);
  }

  #pskOfPool(hint: Uint8Array | undefined, session: EndpointSession): PskAnswer | undefined {
    const tags = this.#tagsWith('psk');
    const chosen = this.#pskTag(tags, hint, session);
    const found = tags.includes(chosen) ? this.#pool.find(chosen, 'psk') : undefined;
    // Copies, for whoever uses a key zeroes it.
    return found && { identity: found.psk.identity, key: found.psk.key.bytes.slice() };
  }

  #pskTag(tags: readonly number[], hint: Uint8Array | undefined, session: EndpointSession): number {
    const { choosePsk } = this.#options;
    if (choosePsk !== undefined) return choosePsk({ session, hint: hint?.slice(), tags });
    const matching = tags.find((tag) => {
      const own = this.#pool.find(tag, 'psk')?.hint;
      return hint !== undefined && own !== undefined && equalBytes(own, hint);
    });
    return matching ?? tags[0] ?? EMPTY_TAG;
  }

  // Server.

  #lookupPsk(identity: Uint8Array, session: EndpointSession): Answer<PskAnswer | RefusedChain | undefined> {
    const given = this.#options.handlers?.keys?.key?.(session, identity.slice());
    const settle = (info: Awaited<typeof given>): PskAnswer | RefusedChain | undefined => {
      if (info === undefined) return this.#keyOfPool(identity);
      if ('alert' in info) return refusalOf(info);
      const secret = loadPskKey(info, { log: this.#environment.log });
      return secret && { key: secret.bytes };
    };
    return given instanceof Promise ? given.then(settle) : settle(given);
  }

  #keyOfPool(identity: Uint8Array): PskAnswer | undefined {
    const found = this.#all('psk').find(({ psk }) => equalBytes(psk.identity, identity));
    return found && { key: found.psk.key.bytes.slice() };
  }

  // Raw public keys, in either role.

  #answerRawKey(job: DtlsJob, session: EndpointSession): Answer {
    if (job.type === 'chooseCertificate') return answerForOwn(job, this.#chosenRawKey(session));
    if (job.type === 'sign') {
      const own = this.#all('rawKey').find((each) => each.own.chain === job.certificate.chain)?.own;
      return answerForOwn(job, own);
    }
    return job.type === 'verifyChain' ? this.#judgeRawKey(job.chain[0]!) : undefined;
  }

  #chosenRawKey(session: EndpointSession): OwnIdentity | undefined {
    const { chooseRawKey } = this.#options;
    const tags = this.#tagsWith('rawKey');
    const chosen = chooseRawKey === undefined ? tags[0] : chooseRawKey({ session, tags });
    return chosen !== undefined && tags.includes(chosen) ? this.#pool.find(chosen, 'rawKey')?.own : undefined;
  }

  #judgeRawKey(spki: Uint8Array): DtlsJobAnswer {
    const known = this.#all('peerKeys').some(({ keys }) => isKnownKey(spki, keys));
    if (known || this.#options.dangerAcceptAnyPeerKey === true) return { publicKey: spki };
    const reason = "the peer's raw public key: expected one that the pool has (peerKeys), found another";
    return { alert: ALERT.badCertificate, reason };
  }
}

function credentialBytes(job: DtlsJob): number {
  if (job.type === 'verifyChain') return job.chain.reduce((bytes, each) => bytes + each.length, 0);
  if (job.type === 'choosePsk') return job.hint?.length ?? 0;
  return job.type === 'lookupPsk' ? job.identity.length : 0;
}

function chosenPsk(chosen: ChosenPsk | KeyRefusal, { log }: Environment): DtlsJobAnswer {
  if ('alert' in chosen) return refusalOf(chosen);
  const { identity, key } = loadPsk(chosen, { log });
  return { identity, key: key.bytes };
}

/** @throws TypeError for what is no alert that refuses: our user's mistake, which the peer is told as internal_error */
function refusalOf({ alert, reason }: KeyRefusal): RefusedChain {
  if (!Number.isInteger(alert) || alert < 1 || alert > 255) {
    throw new TypeError(`alert: expected an AlertDescription from 1 to 255, found ${alert}`);
  }
  return { alert, reason: reason ?? 'the key was refused by the handler of keys' };
}
