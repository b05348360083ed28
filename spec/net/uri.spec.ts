import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError } from '../../lib/bytes/index.ts';
import { COAP_SCHEMES, type CoapScheme, type CoapUri, formatCoapUri, parseCoapUri } from '../../lib/net/index.ts';

function uri(parts: Partial<CoapUri>): CoapUri {
  return { scheme: 'coap', host: 'example.com', port: 5683, path: [], query: [], ...parts };
}

describe('net: CoAP URIs', () => {
  it('reads the three equivalent URIs of RFC 7252 §6.3', () => {
    const sensors = uri({ path: ['~sensors', 'temp.xml'] });
    const texts = [
      'coap://example.com:5683/~sensors/temp.xml',
      'coap://EXAMPLE.com/%7Esensors/temp.xml',
      'coap://EXAMPLE.com:/%7esensors/temp.xml',
    ];
    for (const text of texts) assert.deepEqual(parseCoapUri(text), sensors);
    assert.equal(formatCoapUri(sensors), 'coap://example.com/~sensors/temp.xml');
  });

  // RFC 7252 Appendix B, the URIs of its examples.
  const APPENDIX_B: readonly (readonly [string, CoapUri])[] = [
    ['coap://[2001:db8::2:1]/', uri({ host: '2001:db8::2:1' })],
    ['coap://example.net/', uri({ host: 'example.net' })],
    ['coap://example.net/.well-known/core', uri({ host: 'example.net', path: ['.well-known', 'core'] })],
    [
      'coap://xn--18j4d.example/%E3%81%93%E3%82%93%E3%81%AB%E3%81%A1%E3%81%AF',
      uri({ host: 'xn--18j4d.example', path: ['こんにちは'] }),
    ],
    [
      'coap://198.51.100.1:61616//%2F//?%2F%2F&?%26',
      uri({ host: '198.51.100.1', port: 61616, path: ['', '/', '', ''], query: ['//', '?&'] }),
    ],
  ];
  for (const [text, parts] of APPENDIX_B) {
    it(`RFC 7252 Appendix B: ${text}`, () => assert.deepEqual(parseCoapUri(text), parts));
  }

  it('knows the default port of each scheme', () => {
    for (const [scheme, port] of Object.entries({ coap: 5683, coaps: 5684, 'coap+tcp': 5683, 'coaps+tcp': 5684 })) {
      assert.equal(parseCoapUri(`${scheme}://h`).port, port);
      assert.equal(COAP_SCHEMES[scheme as CoapScheme].port, port);
    }
  });

  const WRONG: readonly (readonly [string, RegExp])[] = [
    ['', /^uri: /],
    ['example.com', /^uri: /],
    ['coap:example.com', /^uri: /],
    ['http://example.com/', /^uri scheme: .*coaps/],
    ['coap:///rd', /^uri host: /],
    ['coap://:5683/', /^uri host: /],
    ['coap://u@h/', /^uri authority: /],
    ['coap://h:0/', /^uri port: /],
    ['coap://h:65536/', /^uri port: /],
    ['coap://h:56a/', /^uri port: /],
    ['coap://[::1/', /^uri host: /],
    ['coap://[1.2.3.4]/', /^uri host: /],
    ['coap://2001:db8::1/', /^uri (host|port): /],
    ['coap://h/%zz', /^uri path: /],
    ['coap://h/%ff', /^uri path: /],
    ['coap://h/a b', /^uri path: /],
    ['coap://h/a/../b', /^uri path: /],
    ['coap://h/%2e%2E', /^uri path: /],
    ['coap://h/?%', /^uri query: /],
    [`coap://h/${'x'.repeat(256)}`, /^uri path: .*255/],
    ['coap://h/#f', /^uri fragment: /],
  ];
  for (const [text, message] of WRONG) {
    it(`refuses ${text.slice(0, 40) || 'nothing'}`, () => {
      assert.throws(
        () => parseCoapUri(text),
        (error) => error instanceof DecodeError && message.test(error.message),
      );
    });
  }

  it('reads an IPv6 zone as RFC 6874 writes it', () => {
    assert.equal(parseCoapUri('coap://[fe80::1%25eth0]/').host, 'fe80::1%eth0');
  });

  it('reads back what it writes', () => {
    const segment = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => text !== '.' && text !== '..');
    const host = fc.oneof(
      fc.constantFrom('h', 'example.com', '192.0.2.1', '2001:db8::1', 'fe80::1%eth0'),
      segment
        .map((text) => text.toLowerCase().normalize())
        .filter((text) => /^[^\s:[\]]+$/.test(text) && text.toLowerCase() === text),
    );
    const uris = fc.record(
      {
        scheme: fc.constantFrom(...(Object.keys(COAP_SCHEMES) as CoapScheme[])),
        host,
        port: fc.integer({ min: 1, max: 65_535 }),
        path: fc.array(segment).filter((path) => !(path.length === 1 && path[0] === '')),
        query: fc.array(segment),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(uris, (parts) => assert.deepEqual(parseCoapUri(formatCoapUri(parts)), parts)),
      { numRuns: 2_000 },
    );
  });

  it('gives a URI or a DecodeError, whatever the text', () => {
    const nearly = fc.tuple(fc.constantFrom('coap://', 'coaps+tcp://', ''), fc.string()).map((parts) => parts.join(''));
    const property = fc.property(fc.oneof(fc.string(), nearly), (text) => {
      try {
        parseCoapUri(text);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    });
    fc.assert(property, { numRuns: 5_000 });
  });

  it('takes port 0 only where it is told that this says where to listen', () => {
    assert.equal(parseCoapUri('coap://127.0.0.1:0', { leastPort: 0 }).port, 0);
    assert.throws(() => parseCoapUri('coap://127.0.0.1:0'), /uri port: expected a number from 1 to 65535/);
  });
});
