// The cipher suites this backend offers, by IANA id: in what order, with which credential, and under which name in OpenSSL.

import type { SecurityVersion } from '../../lib/net/index.ts';
import type { OpenSsl, Transport } from './library.ts';

type Credential = 'psk' | 'certificate';

/** A suite before the library is asked whether it has it. */
interface KnownSuite {
  readonly id: number;
  readonly generation: '1.2' | '1.3';
  readonly credentials: readonly Credential[];
  /** Where it is on unless others are named. */
  readonly on: readonly Transport[];
}

/** A suite that the library has. */
export interface Ciphersuite extends KnownSuite {
  readonly opensslName: string;
}

const EVERYWHERE = ['datagram', 'stream'] as const;
const STREAMS = ['stream'] as const;
const NOWHERE = [] as const;

/**
 * In order of preference: CCM_8 first where LwM2M and RFC 7925 §4 make it mandatory, the full tag before longer keys.
 * ECDHE_PSK is off over datagrams: it costs both sides public-key work. CBC is off everywhere. Of TLS 1.3, a pre-shared key
 * takes suites with its own hash, SHA-256 (RFC 8446 §4.2.11).
 */
const KNOWN: readonly KnownSuite[] = [
  suite(0x1301, '1.3', ['psk', 'certificate']), // TLS_AES_128_GCM_SHA256
  suite(0x1303, '1.3', ['psk', 'certificate']), // TLS_CHACHA20_POLY1305_SHA256
  suite(0x1302, '1.3', ['certificate']), // TLS_AES_256_GCM_SHA384
  suite(0x1304, '1.3', ['psk', 'certificate']), // TLS_AES_128_CCM_SHA256
  suite(0x1305, '1.3', ['psk', 'certificate']), // TLS_AES_128_CCM_8_SHA256
  suite(0xccac, '1.2', ['psk'], STREAMS), // TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256
  suite(0xc0a8, '1.2', ['psk']), // TLS_PSK_WITH_AES_128_CCM_8
  suite(0x00a8, '1.2', ['psk']), // TLS_PSK_WITH_AES_128_GCM_SHA256
  suite(0xc0a4, '1.2', ['psk']), // TLS_PSK_WITH_AES_128_CCM
  suite(0x00a9, '1.2', ['psk']), // TLS_PSK_WITH_AES_256_GCM_SHA384
  suite(0xc0a5, '1.2', ['psk']), // TLS_PSK_WITH_AES_256_CCM
  suite(0xc0a9, '1.2', ['psk']), // TLS_PSK_WITH_AES_256_CCM_8
  suite(0xc0ae, '1.2', ['certificate']), // TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8
  suite(0xc02b, '1.2', ['certificate']), // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
  suite(0xc0ac, '1.2', ['certificate']), // TLS_ECDHE_ECDSA_WITH_AES_128_CCM
  suite(0xc02c, '1.2', ['certificate']), // TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
  suite(0xcca9, '1.2', ['certificate']), // TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
  suite(0xc02f, '1.2', ['certificate']), // TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
  suite(0xc030, '1.2', ['certificate']), // TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
  suite(0xcca8, '1.2', ['certificate']), // TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
  suite(0x00ae, '1.2', ['psk'], NOWHERE), // TLS_PSK_WITH_AES_128_CBC_SHA256
  suite(0xc037, '1.2', ['psk'], NOWHERE), // TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256
  suite(0xc023, '1.2', ['certificate'], NOWHERE), // TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256
  suite(0xc027, '1.2', ['certificate'], NOWHERE), // TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256
];

/** Those of a transport that this library was built with. @param ssl any connection, which is only asked for names */
export function suitesOf(library: OpenSsl, transport: Transport, ssl: bigint): readonly Ciphersuite[] {
  return KNOWN.flatMap((known) => {
    if (transport === 'datagram' && known.generation === '1.3') return [];
    const cipher = library.SSL_CIPHER_find(ssl, Uint8Array.of(known.id >> 8, known.id & 0xff));
    const opensslName = cipher === null ? null : library.SSL_CIPHER_get_name(cipher);
    return opensslName === null ? [] : [{ ...known, opensslName }];
  });
}

export interface SuiteWish {
  /** Undefined: those that are on by default. */
  readonly ids: readonly number[] | undefined;
  readonly credential: Credential;
  readonly transport: Transport;
  readonly versions: readonly SecurityVersion[];
}

/** The suites to offer, in the order asked for; ids nobody knows are ignored. */
export function chooseSuites(all: readonly Ciphersuite[], wish: SuiteWish): readonly Ciphersuite[] {
  const wanted =
    wish.ids === undefined
      ? all.filter(({ on }) => on.includes(wish.transport))
      : [...new Set(wish.ids)].flatMap((id) => all.filter((each) => each.id === id));
  return wanted.filter(
    ({ credentials, generation }) =>
      credentials.includes(wish.credential) && wish.versions.some((version) => version.endsWith(generation)),
  );
}

function suite(
  id: number,
  generation: KnownSuite['generation'],
  credentials: readonly Credential[],
  on: readonly Transport[] = EVERYWHERE,
): KnownSuite {
  return { id, generation, credentials, on };
}
