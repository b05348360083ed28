import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, fromHex, toHex } from '../../../lib/bytes/index.ts';
import * as bodies from '../../../security-backends/native/extension-bodies.ts';
import { serverNameExtension } from '../../../security-backends/native/extensions.ts';

const RUNS = { numRuns: 1_000 };
const of = (body: Uint8Array): { type: number; body: Uint8Array } => ({ type: 0, body });

describe('extension bodies', () => {
  it('are as their RFCs write them', () => {
    assert.equal(toHex(bodies.supportedGroupsExtension([29, 23, 24]).body), '0006001d00170018'); // RFC 8422 §5.1.1
    assert.equal(toHex(bodies.POINT_FORMATS.body), '0100'); // RFC 8422 §5.1.2
    assert.equal(toHex(bodies.signatureAlgorithmsExtension([0x0403, 0x0804]).body), '000404030804');
    assert.equal(toHex(bodies.alpnExtension(['coap', 'h2']).body), '0008' + '04636f6170' + '026832'); // RFC 7301 §3.1
    assert.equal(toHex(bodies.maxFragmentLengthExtension(1024).body), '02'); // RFC 6066 §4
    assert.equal(toHex(bodies.recordSizeLimitExtension(0x4000).body), '4000'); // RFC 8449 §4
    assert.equal(toHex(bodies.certificateTypesExtension('serverCertificateType', [2, 0]).body), '020200'); // RFC 7250 §3
    assert.equal(toHex(bodies.certificateTypeExtension('clientCertificateType', 2).body), '02');
  });

  it('come back as they went', () => {
    const values = fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 30 });
    const names = fc.array(fc.stringMatching(/^[a-z0-9/.-]{1,20}$/), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(values, names, fc.integer({ min: 64, max: 16_384 }), (each, protocols, limit) => {
        assert.deepEqual(bodies.decodeUint16List(bodies.supportedGroupsExtension(each), 'list'), each);
        assert.deepEqual(bodies.decodeAlpn(bodies.alpnExtension(protocols)), protocols);
        assert.equal(bodies.decodeRecordSizeLimit(bodies.recordSizeLimitExtension(limit)), limit);
        assert.equal(bodies.decodeServerName(serverNameExtension(protocols[0]!)), protocols[0]);
      }),
      RUNS,
    );
    for (const limit of bodies.FRAGMENT_LENGTHS.slice(1)) {
      assert.equal(bodies.decodeMaxFragmentLength(bodies.maxFragmentLengthExtension(limit)), limit);
    }
  });

  it('take any bytes: a value or DecodeError', () => {
    const decoders: readonly ((extension: ReturnType<typeof of>) => unknown)[] = [
      (extension) => bodies.decodeUint16List(extension, 'list'),
      bodies.allowsUncompressed,
      bodies.decodeServerName,
      bodies.decodeAlpn,
      bodies.decodeMaxFragmentLength,
      bodies.decodeRecordSizeLimit,
      bodies.decodeCertificateTypes,
      bodies.decodeCertificateType,
    ];
    for (const decode of decoders) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
          try {
            decode(of(body));
          } catch (error) {
            assert.ok(error instanceof DecodeError, `${error}`);
          }
        }),
        RUNS,
      );
    }
  });

  it('refuse lists that are empty, names that are empty or two, limits that are none', () => {
    assert.throws(() => bodies.decodeUint16List(of(fromHex('0000')), 'list'), DecodeError);
    assert.throws(() => bodies.decodeAlpn(of(fromHex('0000'))), DecodeError);
    assert.throws(() => bodies.decodeAlpn(of(fromHex('000100'))), DecodeError);
    assert.throws(() => bodies.decodeServerName(of(fromHex('0003000000'))), DecodeError);
    assert.throws(() => bodies.decodeServerName(of(fromHex('0008' + '00000161' + '00000162'))), DecodeError);
    assert.equal(bodies.decodeServerName(of(fromHex('0004' + '07000161'))), undefined); // a type of name nobody has
    assert.equal(bodies.decodeMaxFragmentLength(of(fromHex('05'))), undefined);
    assert.equal(bodies.decodeMaxFragmentLength(of(fromHex('00'))), undefined);
    assert.equal(bodies.decodeRecordSizeLimit(of(fromHex('003f'))), undefined);
  });
});
