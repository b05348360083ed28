// What OpenSSL calls: seven functions for the whole process, and a map from the connection it names to its owner. No code of a
// user runs inside of them: they note what happened, and whoever called into OpenSSL looks at it afterwards.

import type { Pointer } from './functions.ts';
import { SSL_CB, SSL_CTRL, VERIFY_ERRORS } from './constants.ts';
import type { OpenSsl } from './library.ts';
import { derOf } from './native-memory.ts';

/** What the owner says of a chain: believed, to be asked again later, or refused with the alert that says why. */
export type Verdict = 'accepted' | 'later' | keyof typeof VERIFY_ERRORS;

/** Who is behind a connection. What these throw is noted as `failed`, and the handshake ends. */
export interface CallbackOwner {
  alert(direction: 'received' | 'sent', level: number, description: number): void;
  /** Undefined: no key of ours is used. */
  preSharedKey(): { readonly identity: Uint8Array; readonly key: Uint8Array } | undefined;
  /** @param chain DER, leaf first */
  judge(chain: readonly Uint8Array[]): Verdict;
  /** The server asks for a certificate: the moment to give OpenSSL one. */
  certificateRequested(): void;
  /** A session to resume from; valid during the call alone. */
  session(session: Pointer): void;
  keyLog(line: string): void;
  /** Microseconds to wait before a flight is sent again; `before` is the wait that is over, 0 for a new flight. */
  nextTimeout(before: number): number;
  failed(error: unknown): void;
}

/** Addresses of the functions, and whom they reach. */
export interface Callbacks {
  readonly owners: Map<Pointer, CallbackOwner>;
  readonly info: Pointer;
  readonly pskClient: Pointer;
  readonly certVerify: Pointer;
  readonly certificate: Pointer;
  readonly newSession: Pointer;
  readonly keyLog: Pointer;
  readonly dtlsTimer: Pointer;
}

const registered = new WeakMap<OpenSsl, Callbacks>();

/** Registered when first asked for, and for good: koffi has 8,192 places, connections have no bound. */
export function callbacksOf(library: OpenSsl): Callbacks {
  const known = registered.get(library);
  if (known !== undefined) return known;
  const callbacks = register(library, new Map());
  registered.set(library, callbacks);
  return callbacks;
}

const FAILED = 0;
const DONE = 1;
const NOT_KEPT = 0; // a session callback's word that it took no reference
const NEVER_MICROSECONDS = 0xffff_ffff;

function register(library: OpenSsl, owners: Map<Pointer, CallbackOwner>): Callbacks {
  /** Nothing may be thrown into C. */
  const withOwner = <T>(ssl: Pointer | null, otherwise: T, call: (owner: CallbackOwner) => T): T => {
    const owner = ssl === null ? undefined : owners.get(ssl);
    if (owner === undefined) return otherwise;
    try {
      return call(owner);
    } catch (error) {
      owner.failed(error);
      return otherwise;
    }
  };
  const verifyIndex = library.SSL_get_ex_data_X509_STORE_CTX_idx();
  return {
    owners,
    info: library.callback('info', (ssl, where, alert) => {
      if (where !== SSL_CB.readAlert && where !== SSL_CB.writeAlert) return;
      const direction = where === SSL_CB.readAlert ? 'received' : 'sent';
      withOwner(ssl, undefined, (owner) => owner.alert(direction, alert >> 8, alert & 0xff));
    }),
    pskClient: library.callback('pskClient', (ssl, _hint, identityAt, mostIdentity, keyAt, mostKey) =>
      withOwner(ssl, FAILED, (owner) => {
        const psk = owner.preSharedKey();
        if (psk === undefined || identityAt === null || keyAt === null) return FAILED;
        const { identity, key } = psk;
        if (identity.length > mostIdentity || key.length > mostKey) throw new RangeError('pre-shared key too long');
        library.copyTo(identityAt, Uint8Array.of(...identity, 0));
        library.copyTo(keyAt, key);
        return key.length;
      }),
    ),
    certVerify: library.callback('certVerify', (context) => {
      const ssl = library.X509_STORE_CTX_get_ex_data(context, verifyIndex);
      return withOwner(ssl, FAILED, (owner) => {
        const verdict = owner.judge(chainOf(library, library.X509_STORE_CTX_get0_untrusted(context)));
        if (verdict === 'later') return library.SSL_ctrl(ssl, SSL_CTRL.setRetryVerify, 0, null) > 0 ? DONE : FAILED;
        if (verdict === 'accepted') return DONE;
        library.X509_STORE_CTX_set_error(context, VERIFY_ERRORS[verdict]);
        return FAILED;
      });
    }),
    certificate: library.callback('certificate', (ssl) =>
      withOwner(ssl, FAILED, (owner) => {
        owner.certificateRequested();
        return DONE;
      }),
    ),
    newSession: library.callback('newSession', (ssl, session) =>
      withOwner(ssl, NOT_KEPT, (owner) => {
        if (session !== null) owner.session(session);
        return NOT_KEPT;
      }),
    ),
    keyLog: library.callback('keyLog', (ssl, line) => withOwner(ssl, undefined, (owner) => owner.keyLog(line ?? ''))),
    dtlsTimer: library.callback('dtlsTimer', (ssl, before) =>
      withOwner(ssl, NEVER_MICROSECONDS, (owner) => owner.nextTimeout(before)),
    ),
  };
}

function chainOf(library: OpenSsl, stack: Pointer | null): readonly Uint8Array[] {
  const count = stack === null ? 0 : library.OPENSSL_sk_num(stack);
  return Array.from({ length: Math.max(0, count) }, (_, at) =>
    derOf(library, library.symbols.i2d_X509, library.OPENSSL_sk_value(stack, at)),
  );
}
