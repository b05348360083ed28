// Each codec of the native backend's handshake messages and extensions.

import { Reader, equalBytes } from '../../../lib/bytes/index.ts';
import * as certificates from '../../../security-backends/native/certificate-messages.ts';
import * as bodies from '../../../security-backends/native/extension-bodies.ts';
import * as messages from '../../../security-backends/native/handshake-messages.ts';
import * as exchanges from '../../../security-backends/native/key-exchange-messages.ts';
import { decodeAlert, encodeAlert } from '../../../security-backends/native/alerts.ts';
import { decodeRecord, encodePlaintextRecord } from '../../../security-backends/native/record.ts';
import { recordings } from '../recordings.ts';
import { type FuzzTarget, orDecodeError, promise } from '../target.ts';

/** Reads; and where there is a writer, writes what was read. */
type Codec = (input: Uint8Array) => Uint8Array | undefined;

const codec =
  <T>(decode: (input: Uint8Array) => T, encode: (value: T) => Uint8Array): Codec =>
  (input) =>
    encode(decode(input));

const reads =
  (decode: (input: Uint8Array) => unknown): Codec =>
  (input) => {
    decode(input);
    return undefined;
  };

const extension = (body: Uint8Array) => ({ type: 0, body });

const CODECS: readonly (readonly [messageType: number, codec: Codec])[] = [
  [1, codec(messages.decodeClientHello, messages.encodeClientHello)],
  [2, codec(messages.decodeServerHello, messages.encodeServerHello)],
  [3, codec(messages.decodeHelloVerifyRequest, messages.encodeHelloVerifyRequest)],
  [11, codec(certificates.decodeCertificate, certificates.encodeCertificate)],
  [11, codec(certificates.decodeRawPublicKey, certificates.encodeRawPublicKey)],
  [12, codec(messages.decodePskServerKeyExchange, messages.encodePskServerKeyExchange)],
  [
    12,
    codec(exchanges.decodeEcdhePskServerKeyExchange, ({ hint, params }) =>
      exchanges.encodeEcdhePskServerKeyExchange(hint, params),
    ),
  ],
  [
    12,
    codec(exchanges.decodeSignedServerKeyExchange, ({ params, signed }) =>
      exchanges.encodeSignedServerKeyExchange(params, signed),
    ),
  ],
  [13, codec(certificates.decodeCertificateRequest, certificates.encodeCertificateRequest)],
  [14, reads(messages.decodeServerHelloDone)],
  [15, codec(certificates.decodeCertificateVerify, certificates.encodeCertificateVerify)],
  [16, codec(messages.decodePskClientKeyExchange, messages.encodePskClientKeyExchange)],
  [16, codec(exchanges.decodeEcdhClientKeyExchange, exchanges.encodeEcdhClientKeyExchange)],
  [
    16,
    codec(exchanges.decodeEcdhePskClientKeyExchange, ({ identity, point }) =>
      exchanges.encodeEcdhePskClientKeyExchange(identity, point),
    ),
  ],
  [0, codec(decodeAlert, encodeAlert)],
  [0, reads((input) => bodies.decodeUint16List(extension(input), 'list'))],
  [0, reads((input) => bodies.allowsUncompressed(extension(input)))],
  [0, reads((input) => bodies.decodeAlpn(extension(input)))],
  [0, reads((input) => bodies.decodeServerName(extension(input)))],
  [0, reads((input) => bodies.decodeCertificateTypes(extension(input)))],
  [0, reads((input) => bodies.decodeCertificateType(extension(input)))],
  [0, reads((input) => bodies.decodeMaxFragmentLength(extension(input)))],
  [0, reads((input) => bodies.decodeRecordSizeLimit(extension(input)))],
  [0, reads((input) => messages.decodeHandshakeFragment(new Reader(input)))],
  [0, codec((input) => decodeRecord(new Reader(input)), encodePlaintextRecord)],
];

/** The first byte chooses the codec. */
export const handshakeMessages: FuzzTarget = {
  name: 'handshake-messages',
  maxBytes: 1_024,
  seeds: () => {
    const honest = recordings().flatMap(({ toClient, toServer, clientHello }) => [
      { type: 1, body: clientHello },
      ...toClient,
      ...toServer,
    ]);
    return CODECS.flatMap(([type], at) => {
      const fitting = honest.filter((each) => each.type === type).slice(0, 3);
      const inputs = fitting.length === 0 ? [Uint8Array.of(0, 2, 0, 23)] : fitting.map(({ body }) => body);
      return inputs.map((body) => Uint8Array.of(at, ...body));
    });
  },
  run(input) {
    const [, transcode] = CODECS[(input[0] ?? 0) % CODECS.length]!;
    const written = orDecodeError(() => transcode(input.subarray(1)));
    if (written === undefined) return;
    const again = transcode(written);
    promise(again !== undefined && equalBytes(written, again), 'what was written is read as it was meant');
  },
};
