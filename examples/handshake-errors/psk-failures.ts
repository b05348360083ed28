// What goes wrong on the way to the server, with pre-shared keys, and with what either side offers.

import {
  type PskServerSecurity,
  type ServerConfiguration,
  type SslConfiguration,
  fromHex,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  utf8Decode,
  utf8Encode,
} from '../../lib/index.ts';
import { type Attempt, type Failure, Stage } from './stage.ts';
import { certificateServer } from './certificates.ts';

const KEY = fromHex('000102030405060708090a0b0c0d0e0f');
const CCM_8 = 0xc0a8;
const GCM = 0x00a8;

function client(identity: string, key = KEY, more: Omit<SslConfiguration, 'security'> = {}): SslConfiguration {
  const security = {
    mode: 'psk',
    identity: pskIdentityFromBuffer(utf8Encode(identity)),
    key: pskKeyFromBuffer(key),
  } as const;
  return { security, ciphersuites: [CCM_8, GCM], ...more };
}

/** Knows the key of `sensor-1`. */
function server(
  more: Omit<ServerConfiguration, 'security'> & Partial<Omit<PskServerSecurity, 'mode'>> = {},
): ServerConfiguration {
  const { lookup = known, unknownIdentity, ...common } = more;
  return { security: { mode: 'psk', lookup, unknownIdentity }, ciphersuites: [CCM_8, GCM], ...common };
}

const known: PskServerSecurity['lookup'] = (identity) =>
  utf8Decode(identity) === 'sensor-1' ? pskKeyFromBuffer(KEY) : undefined;

function failure(title: string, attempt: () => Attempt): Failure {
  return { title, run: () => new Stage().fail(attempt()) };
}

export const networkFailures: readonly Failure[] = [
  failure('Nobody listens', () => ({ client: client('sensor-1') })),
  failure('Nothing answers', () => ({
    client: client('sensor-1'),
    server: server(),
    prepare: (stage) => stage.network.setConditions({ loss: 1 }),
  })),
  failure('The answer to the cookie is lost', () => ({
    client: client('sensor-1'),
    server: server(),
    prepare: (stage) =>
      stage.rewrite('client', (datagram) => (messageType(datagram) === SERVER_HELLO ? 'drop' : undefined)),
  })),
  failure('Large datagrams do not pass', () => ({
    ...certificateServer(),
    prepare: (stage) => stage.rewrite('client', (datagram) => (datagram.length > 300 ? 'drop' : undefined)),
  })),
  failure('The peer closes during the handshake', () => ({
    client: client('sensor-1'),
    server: server({ lookup: () => new Promise(() => undefined) }),
    prepare: closeAtClientKeyExchange,
  })),
];

export const pskFailures: readonly Failure[] = [
  failure('Wrong key', () => ({ client: client('sensor-1', fromHex('ff'.repeat(16))), server: server() })),
  failure('Unknown identity', () => ({ client: client('sensor-2'), server: server() })),
  failure('Unknown identity, and the server says so', () => ({
    client: client('sensor-2'),
    server: server({ unknownIdentity: 'alert' }),
  })),
  failure('The look-up of the key fails', () => ({
    client: client('sensor-1'),
    server: server({ lookup: () => Promise.reject(new Error('no database')) }),
  })),
  failure('The look-up of the key takes too long', () => ({
    client: client('sensor-1'),
    server: server({ lookup: () => new Promise(() => undefined) }),
  })),
];

export const offerFailures: readonly Failure[] = [
  failure('No cipher suite in common', () => ({
    client: client('sensor-1', KEY, { ciphersuites: [GCM] }),
    server: server({ ciphersuites: [CCM_8] }),
  })),
  failure('A pre-shared key here, a certificate there', () => ({
    client: client('sensor-1'),
    server: certificateServer().server,
  })),
  failure('The server is too old for the extended master secret', () => ({
    client: client('sensor-1'),
    server: server({ extendedMasterSecret: 'prefer' }),
    prepare: (stage) => stage.rewrite('server', withoutExtendedMasterSecret),
  })),
  failure('The client is too old for the extended master secret', () => ({
    client: client('sensor-1', KEY, { extendedMasterSecret: 'prefer' }),
    server: server(),
    prepare: (stage) => stage.rewrite('server', withoutExtendedMasterSecret),
  })),
  failure('The server speaks another version', () => ({
    client: client('sensor-1'),
    server: server(),
    prepare: (stage) => stage.rewrite('client', (datagram) => ofVersion10(datagram, SERVER_HELLO)),
  })),
  failure('The client speaks another version', () => ({
    client: client('sensor-1'),
    server: server(),
    prepare: (stage) => stage.rewrite('server', (datagram) => ofVersion10(datagram, CLIENT_HELLO)),
  })),
  failure('No application protocol in common', () => ({
    client: client('sensor-1', KEY, { alpn: ['coap'] }),
    server: server({ alpn: ['other'] }),
  })),
];

// Peers of other times are ours, with their hellos changed on the way.

const CLIENT_HELLO = 1;
const SERVER_HELLO = 2;
const CLIENT_KEY_EXCHANGE = 16;
const RECORD_HEADER_BYTES = 13;
const MESSAGE_HEADER_BYTES = 12;

/** The type of the handshake message a datagram begins with; undefined if it begins with something else. */
function messageType(datagram: Uint8Array): number | undefined {
  return datagram[0] === 22 && datagram[3] === 0 && datagram[4] === 0 ? datagram[RECORD_HEADER_BYTES] : undefined;
}

function ofVersion10(datagram: Uint8Array, type: number): Uint8Array | undefined {
  if (messageType(datagram) !== type) return undefined;
  const changed = datagram.slice();
  changed.set([0xfe, 0xff], RECORD_HEADER_BYTES + MESSAGE_HEADER_BYTES);
  return changed;
}

/** Puts a type nobody knows in the place of extended_master_secret (23, with an empty body). */
function withoutExtendedMasterSecret(datagram: Uint8Array): Uint8Array | undefined {
  if (messageType(datagram) !== CLIENT_HELLO) return undefined;
  const changed = datagram.slice();
  const at = changed.findIndex((byte, i) => byte === 0 && [23, 0, 0].every((next, n) => changed[i + 1 + n] === next));
  changed.set([0xfa, 0xfa], at);
  return changed;
}

/** Then the client waits for the server's Finished. */
function closeAtClientKeyExchange(stage: Stage): void {
  stage.rewrite('server', (datagram) => {
    if (messageType(datagram) === CLIENT_KEY_EXCHANGE) queueMicrotask(() => stage.closeServer());
    return undefined;
  });
}
