import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, Reader, concatBytes, fromHex, toHex } from '../../../lib/bytes/index.ts';
import * as certificates from '../../../security-backends/native/certificate-messages.ts';
import * as exchange from '../../../security-backends/native/key-exchange-messages.ts';

const RUNS = { numRuns: 1_000 };
const bytes = (constraints: fc.IntArrayConstraints = {}): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ maxLength: 200, ...constraints });
const some = bytes({ minLength: 1 });
const uint16 = fc.nat(0xffff);

/** A value or DecodeError, for whatever a peer sends. */
function isTotal(decode: (body: Uint8Array) => unknown): void {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (body) => {
      try {
        decode(body);
      } catch (error) {
        assert.ok(error instanceof DecodeError, `${error}`);
      }
    }),
    RUNS,
  );
}

describe('messages with certificates', () => {
  it('are as RFC 5246 §7.4.2 and §7.4.4 write them', () => {
    assert.equal(toHex(certificates.encodeCertificate([fromHex('aabb'), fromHex('cc')])), '000009000002aabb000001cc');
    assert.equal(toHex(certificates.encodeCertificate([])), '000000');
    assert.equal(toHex(certificates.encodeRawPublicKey([fromHex('aabb')])), '000002aabb'); // RFC 7250 §3
    const request = { certificateTypes: fromHex('40'), schemes: [0x0403], authorities: [fromHex('3000')] };
    assert.equal(toHex(certificates.encodeCertificateRequest(request)), '0140' + '00020403' + '0004' + '00023000');
    const verify = { scheme: 0x0403, signature: fromHex('0102') };
    assert.equal(toHex(certificates.encodeCertificateVerify(verify)), '0403' + '00020102');
  });

  it('come back as they went', () => {
    fc.assert(
      fc.property(fc.array(some, { maxLength: 8 }), (chain) => {
        assert.deepEqual(certificates.decodeCertificate(certificates.encodeCertificate(chain)), chain);
      }),
      RUNS,
    );
    const request = fc.record(
      {
        certificateTypes: bytes(),
        schemes: fc.array(uint16, { minLength: 1, maxLength: 20 }),
        authorities: fc.array(bytes(), { maxLength: 6 }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(request, some, uint16, (each, signature, scheme) => {
        const decoded = certificates.decodeCertificateRequest(certificates.encodeCertificateRequest(each));
        assert.deepEqual(decoded, each);
        const verify = { scheme, signature };
        assert.deepEqual(certificates.decodeCertificateVerify(certificates.encodeCertificateVerify(verify)), verify);
        assert.deepEqual(certificates.decodeRawPublicKey(certificates.encodeRawPublicKey([signature])), [signature]);
      }),
      RUNS,
    );
  });

  it('take any bytes: a value or DecodeError', () => {
    isTotal(certificates.decodeCertificate);
    isTotal(certificates.decodeRawPublicKey);
    isTotal(certificates.decodeCertificateRequest);
    isTotal(certificates.decodeCertificateVerify);
    isTotal(certificates.decodeSchemes);
  });

  it('hold a bounded number of certificates, and none that is empty', () => {
    const many = Array.from({ length: 33 }, () => Uint8Array.of(1));
    assert.throws(() => certificates.decodeCertificate(certificates.encodeCertificate(many)), /at most 32/);
    assert.throws(() => certificates.decodeCertificate(fromHex('000003000000')), DecodeError);
  });
});

describe('messages with ephemeral keys', () => {
  it('are as RFC 8422 §5.4, §5.7 and RFC 5489 §2 write them', () => {
    const params = exchange.encodeEcdhParams(23, fromHex('04aabb'));
    assert.equal(toHex(params.encoded), '03' + '0017' + '0304aabb');
    const signed = { scheme: 0x0403, signature: fromHex('ff') };
    const whole = exchange.encodeSignedServerKeyExchange(params, signed);
    assert.equal(toHex(whole), '030017' + '0304aabb' + '0403' + '0001ff');
    assert.equal(
      toHex(exchange.encodeEcdhePskServerKeyExchange(fromHex('6869'), params)),
      '00026869' + '0300170304aabb',
    );
    assert.equal(toHex(exchange.encodeEcdhClientKeyExchange(fromHex('04cc'))), '0204cc');
    assert.equal(
      toHex(exchange.encodeEcdhePskClientKeyExchange(fromHex('6964'), fromHex('04cc'))),
      '00026964' + '0204cc',
    );
    const randoms = { client: new Uint8Array(32).fill(1), server: new Uint8Array(32).fill(2) };
    const expected = concatBytes(randoms.client, randoms.server, params.encoded);
    assert.deepEqual(exchange.signedParams(randoms, params), expected);
  });

  it('come back as they went', () => {
    const point = bytes({ minLength: 1, maxLength: 150 });
    fc.assert(
      fc.property(uint16, point, bytes(), uint16, (group, each, hint, scheme) => {
        const params = exchange.encodeEcdhParams(group, each);
        const signed = { scheme, signature: hint };
        assert.deepEqual(
          exchange.decodeSignedServerKeyExchange(exchange.encodeSignedServerKeyExchange(params, signed)),
          { params, signed },
        );
        assert.deepEqual(
          exchange.decodeEcdhePskServerKeyExchange(exchange.encodeEcdhePskServerKeyExchange(hint, params)),
          { hint, params },
        );
        assert.deepEqual(
          exchange.decodeEcdhePskClientKeyExchange(exchange.encodeEcdhePskClientKeyExchange(hint, each)),
          { identity: hint, point: each },
        );
        assert.deepEqual(exchange.decodeEcdhClientKeyExchange(exchange.encodeEcdhClientKeyExchange(each)), each);
      }),
      RUNS,
    );
  });

  it('take any bytes: a value or DecodeError', () => {
    isTotal(exchange.decodeSignedServerKeyExchange);
    isTotal(exchange.decodeEcdhePskServerKeyExchange);
    isTotal(exchange.decodeEcdhePskClientKeyExchange);
    isTotal(exchange.decodeEcdhClientKeyExchange);
    isTotal((body) => exchange.decodeEcdhParams(body, new Reader(body)));
  });

  it('know no curves but named ones', () => {
    assert.throws(() => exchange.decodeSignedServerKeyExchange(fromHex('01' + '0017')), /named_curve/);
  });
});
