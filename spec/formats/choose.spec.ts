import assert from 'node:assert/strict';
import { CONTENT_FORMATS, type FormatChoice, chooseFormat } from '../../lib/formats/index.ts';
import { Path } from '../../lib/model/index.ts';

const { text, opaque, cbor, tlv, senmlJson, senmlCbor, coreLink } = CONTENT_FORMATS;
const single = { type: 'string', multiple: false } as const;
const bytes = { type: 'opaque', multiple: false } as const;
const multiple = { type: 'integer', multiple: true } as const;

describe('the format of an answer', () => {
  const cases: [what: string, choice: Omit<FormatChoice, 'path'> & { path: string }, expected: number | undefined][] = [
    ['1.0, a resource', { path: '/3/0/0', shape: single, version: '1.0' }, text],
    ['1.0, an opaque resource', { path: '/9/0/0', shape: bytes, version: '1.0' }, opaque],
    ['1.0, a multiple resource', { path: '/3/0/6', shape: multiple, version: '1.0' }, tlv],
    ['1.0, an instance', { path: '/3/0', version: '1.0' }, tlv],
    ['1.0, several objects', { path: '/', version: '1.0' }, undefined],
    ['1.1, a resource', { path: '/3/0/0', shape: single, version: '1.1' }, senmlJson],
    ['1.2, an object', { path: '/3', version: '1.2' }, senmlJson],
    ['text of a resource', { accept: text, path: '/3/0/0', shape: single, version: '1.2' }, text],
    ['text of a resource instance', { accept: text, path: '/3/0/6/0', shape: multiple, version: '1.2' }, text],
    ['text of a multiple resource', { accept: text, path: '/3/0/6', shape: multiple, version: '1.2' }, undefined],
    ['text of an instance', { accept: text, path: '/3/0', version: '1.2' }, undefined],
    ['CBOR of a resource', { accept: cbor, path: '/3/0/0', shape: single, version: '1.1' }, cbor],
    ['CBOR of an instance', { accept: cbor, path: '/3/0', version: '1.1' }, undefined],
    ['opaque of a text', { accept: opaque, path: '/3/0/0', shape: single, version: '1.2' }, undefined],
    ['opaque of bytes', { accept: opaque, path: '/9/0/0', shape: bytes, version: '1.2' }, opaque],
    ['TLV of an instance', { accept: tlv, path: '/3/0', version: '1.2' }, tlv],
    ['TLV of several objects', { accept: tlv, path: '/', version: '1.2' }, undefined],
    ['SenML JSON of several objects', { accept: senmlJson, path: '/', version: '1.1' }, senmlJson],
    ['a format that is not delivered', { accept: senmlCbor, path: '/3/0', version: '1.2' }, undefined],
    ['links', { accept: coreLink, path: '/3/0', version: '1.2' }, undefined],
    ['an unheard-of format', { accept: 65_000, path: '/3/0', version: '1.2' }, undefined],
  ];
  for (const [what, { path, ...choice }, expected] of cases) {
    it(`${what}: ${expected ?? 'none'}`, () => {
      assert.equal(chooseFormat({ ...choice, path: Path.parse(path) }), expected);
    });
  }
});
