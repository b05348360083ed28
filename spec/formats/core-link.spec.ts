import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError } from '../../lib/bytes/index.ts';
import { type CoreLink, decodeLinks, encodeLinks } from '../../lib/formats/index.ts';

describe('CoRE link format', () => {
  const examples: [source: string, text: string, links: CoreLink[], canonical?: string][] = [
    ['no links', '', []],
    [
      'Register (LwM2M Core 1.2 §6.2.1)',
      '</>;rt="oma.lwm2m";ct=110,</1/0>,</3>;ver=1.1,</3/0>',
      [
        { target: '/', attributes: { rt: 'oma.lwm2m', ct: 110 } },
        { target: '/1/0', attributes: {} },
        { target: '/3', attributes: { ver: '1.1' } },
        { target: '/3/0', attributes: {} },
      ],
    ],
    [
      'Discover of /3 (Core 1.2 §6.3.2), with spaces after commas',
      '</3>;pmin=10, </3/0>;pmax=60, </3/0/7>;dim=2;gt=50;lt=42.2, </3/0/8>;dim=2',
      [
        { target: '/3', attributes: { pmin: 10 } },
        { target: '/3/0', attributes: { pmax: 60 } },
        { target: '/3/0/7', attributes: { dim: 2, gt: 50, lt: 42.2 } },
        { target: '/3/0/8', attributes: { dim: 2 } },
      ],
      '</3>;pmin=10,</3/0>;pmax=60,</3/0/7>;dim=2;gt=50;lt=42.2,</3/0/8>;dim=2',
    ],
    [
      'RFC 6690 §5: a link list',
      '</sensors>;ct=40;title="Sensor Index",</t>;anchor="/sensors/temp";rel="alternate"',
      [
        { target: '/sensors', attributes: { ct: 40, title: 'Sensor Index' } },
        { target: '/t', attributes: { anchor: '/sensors/temp', rel: 'alternate' } },
      ],
    ],
    ['an attribute without value (RFC 7641 §6)', '</a>;obs', [{ target: '/a', attributes: { obs: true } }]],
    [
      'a version in quotes (LwM2M 1.0)',
      '</3>;ver="1.0"',
      [{ target: '/3', attributes: { ver: '1.0' } }],
      '</3>;ver=1.0',
    ],
    [
      'quotes and separators inside quotes',
      '</a>;title="a,b;c\\"d\\\\e"',
      [{ target: '/a', attributes: { title: 'a,b;c"d\\e' } }],
    ],
    [
      'a token that is no number',
      '</a>;if=core.s',
      [{ target: '/a', attributes: { if: 'core.s' } }],
      '</a>;if="core.s"',
    ],
  ];
  for (const [source, text, links, canonical = text] of examples) {
    it(`reads and writes ${source}`, () => {
      assert.deepEqual(decodeLinks(text), links);
      assert.equal(encodeLinks(links), canonical);
    });
  }

  it('keeps the order of attributes', () => {
    assert.deepEqual(Object.keys(decodeLinks('</a>;z;b;y;a')[0]!.attributes), ['z', 'b', 'y', 'a']);
  });

  const malformed = [
    '/3',
    '<',
    '</3',
    '</3>;',
    '</3>,',
    ',</3>',
    '</3></1>',
    '</3>x',
    '</3>;=1',
    '</3>;a=',
    '</3>;a="',
    '</3>;a="\\',
    '</3>;a;a',
    '</ 3>',
    '<<>',
  ];
  for (const text of malformed) {
    it(`refuses ${text}`, () => assert.throws(() => decodeLinks(text), DecodeError));
  }

  it('bounds links and attributes', () => {
    const limits = { maxLinks: 2, maxAttributes: 1 };
    assert.equal(decodeLinks('</1>;a,</2>', limits).length, 2);
    assert.throws(() => decodeLinks('</1>,</2>,</3>', limits), /links: expected at most 2/);
    assert.throws(() => decodeLinks('</1>;a;b', limits), /link attributes: expected at most 1/);
  });

  it('refuses to write what it could not read', () => {
    assert.throws(() => encodeLinks([{ target: '/a b', attributes: {} }]), RangeError);
    assert.throws(() => encodeLinks([{ target: '/a>', attributes: {} }]), RangeError);
    assert.throws(() => encodeLinks([{ target: '/a', attributes: { 'a b': 1 } }]), RangeError);
    assert.throws(() => encodeLinks([{ target: '/a', attributes: { a: Number.NaN } }]), RangeError);
  });

  it('quotes an empty version, which is no token', () => {
    const text = '</3/0>;ver=""';
    assert.deepEqual(decodeLinks(text), [{ target: '/3/0', attributes: { ver: '' } }]);
    assert.equal(encodeLinks(decodeLinks(text)), text);
  });

  it('round-trips any links', () => {
    const names = fc.stringMatching(/^[a-z][a-z0-9-]{0,7}$/);
    const values = fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.constant(true as const));
    const link = fc.record(
      {
        target: fc.stringMatching(/^\/[0-9/a-z]{0,12}$/),
        attributes: fc.dictionary(names, values, { maxKeys: 5, noNullPrototype: true }),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(fc.array(link, { maxLength: 6 }), (links) => {
        assert.deepEqual(decodeLinks(encodeLinks(links)), links);
      }),
      { numRuns: 1_000 },
    );
  });

  it('gives links or a DecodeError for any text', () => {
    const texts = fc.oneof(fc.string(), fc.stringMatching(/^[<>;,="\\a1/ ]{0,24}$/));
    fc.assert(
      fc.property(texts, (text) => {
        try {
          decodeLinks(text);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 5_000 },
    );
  });
});
