import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, toHex, utf8Encode } from '../../lib/bytes/index.ts';
import { looksLikePem, parsePem } from '../../lib/crypto/pem.ts';
import { certificateDer, toPem } from './fixtures/fixtures.ts';

const refused = (text: string, message: RegExp): void =>
  assert.throws(
    () => parsePem(utf8Encode(text)),
    (error) => error instanceof DecodeError && message.test(error.message),
  );

describe('PEM', () => {
  it('reads several blocks with text around them, whatever the line ends', () => {
    const [root, inter] = [certificateDer('root'), certificateDer('inter')];
    const text = `Subject: the root\n${toPem('CERTIFICATE', root)}\n# é and so on\n${toPem('X509 CRL', inter)}bye`;
    for (const each of [
      text,
      text.replaceAll('\n', '\r\n'),
      text.replaceAll('\n', '\r'),
      text.replaceAll('\n', ' \n'),
    ]) {
      const blocks = parsePem(utf8Encode(each));
      assert.deepEqual(
        blocks.map(({ label, bytes }) => [label, toHex(bytes)]),
        [
          ['CERTIFICATE', toHex(root)],
          ['X509 CRL', toHex(inter)],
        ],
      );
    }
  });

  it('keeps encapsulated headers apart', () => {
    const text =
      '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAEC\n-----END RSA PRIVATE KEY-----';
    const [block] = parsePem(utf8Encode(text));
    assert.deepEqual(
      [...block!.headers],
      [
        ['Proc-Type', '4,ENCRYPTED'],
        ['DEK-Info', 'AES-128-CBC,00'],
      ],
    );
    assert.equal(toHex(block!.bytes), '000102');
  });

  it('refuses what is no block, without quoting it', () => {
    refused('nothing here', /BEGIN line, found none/);
    refused('-----BEGIN X-----\nAAEC\n', /END line, found the end/);
    refused('-----BEGIN X-----\nAAEC\n-----END Y-----\n', /END line of the same label/);
    refused('-----BEGIN X-----\n-----BEGIN X-----\nAAEC\n-----END X-----\n', /END line of the same label/);
    refused('-----BEGIN X-----\nA*EC\n-----END X-----\n', /^PEM X: expected base64 characters only, found another/);
    refused('-----BEGIN x-----\nAAEC\n-----END x-----\n', /label in capitals/);
    assert.throws(() => parsePem(utf8Encode(toPem('X', new Uint8Array(3)).repeat(3)), 2), /at most 2 blocks/);
  });

  it('is told from DER', () => {
    assert.equal(looksLikePem(certificateDer('root')), false);
    assert.equal(looksLikePem(utf8Encode(toPem('CERTIFICATE', certificateDer('root')))), true);
    assert.equal(looksLikePem(new Uint8Array(0)), false);
  });

  it('gives back what was written', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 4 }), (contents) => {
        const text = contents.map((each) => toPem('CERTIFICATE', each)).join('and\n');
        assert.deepEqual(
          parsePem(utf8Encode(text)).map(({ bytes }) => toHex(bytes)),
          contents.map(toHex),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('gives blocks or a DecodeError for any text', () => {
    const piece = fc.constantFrom(
      '-----BEGIN X-----',
      '-----END X-----',
      '\n',
      '\r',
      'AAEC',
      '=',
      'A: b',
      '-----',
      ' ',
      'é',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        try {
          parsePem(utf8Encode(pieces.join('')));
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
