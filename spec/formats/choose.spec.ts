import assert from 'node:assert/strict';
import {
  CONTENT_FORMATS,
  type FormatChoice,
  FormatError,
  type FormatVersion,
  type PayloadUse,
  carriesTimestamps,
  checkContentFormat,
  chooseFormat,
} from '../../lib/formats/index.ts';
import { Path } from '../../lib/model/index.ts';

const { text, opaque, cbor, tlv, senmlJson, senmlCbor, coreLink, lwm2mCbor, json } = CONTENT_FORMATS;
const { legacyJson, legacyTlv, senmlEtchCbor, senmlEtchJson } = CONTENT_FORMATS;
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
    ['SenML CBOR of an instance', { accept: senmlCbor, path: '/3/0', version: '1.1' }, senmlCbor],
    ['SenML CBOR in 1.0', { accept: senmlCbor, path: '/3/0', version: '1.0' }, undefined],
    ['CBOR in 1.0', { accept: cbor, path: '/3/0/0', shape: single, version: '1.0' }, undefined],
    ['LwM2M CBOR of several objects', { accept: lwm2mCbor, path: '/', version: '1.2' }, lwm2mCbor],
    ['LwM2M CBOR in 1.1', { accept: lwm2mCbor, path: '/3/0', version: '1.1' }, undefined],
    ['JSON of 1.0 in 1.0', { accept: json, path: '/3/0', version: '1.0' }, json],
    ['JSON of 1.0 by its old number', { accept: legacyJson, path: '/3/0', version: '1.0' }, legacyJson],
    ['JSON of 1.0 in 1.1 (§7.4.6 forbids it)', { accept: json, path: '/3/0', version: '1.1' }, undefined],
    ['TLV by its old number', { accept: legacyTlv, path: '/3/0', version: '1.1' }, legacyTlv],
    ['SenML-ETCH, which requests alone have', { accept: senmlEtchCbor, path: '/', version: '1.2' }, undefined],
    ['what the client prefers', { path: '/3/0', preferred: lwm2mCbor, version: '1.2' }, lwm2mCbor],
    ['what the version has of it', { path: '/3/0', preferred: lwm2mCbor, version: '1.1' }, senmlJson],
    ['what can carry it', { path: '/3/0', preferred: text, version: '1.0' }, tlv],
    ['links', { accept: coreLink, path: '/3/0', version: '1.2' }, undefined],
    ['an unheard-of format', { accept: 65_000, path: '/3/0', version: '1.2' }, undefined],
  ];
  for (const [what, { path, ...choice }, expected] of cases) {
    it(`${what}: ${expected ?? 'none'}`, () => {
      assert.equal(chooseFormat({ ...choice, path: Path.parse(path) }), expected);
    });
  }
});

describe('the format of a request', () => {
  const cases: [format: number, use: PayloadUse, version: FormatVersion, taken: boolean][] = [
    [text, 'write', '1.0', true],
    [tlv, 'write', '1.0', true],
    [legacyTlv, 'write', '1.2', true],
    [json, 'write', '1.0', true],
    [json, 'write', '1.2', false],
    [senmlCbor, 'write', '1.0', false],
    [senmlCbor, 'write', '1.1', true],
    [lwm2mCbor, 'write', '1.1', false],
    [lwm2mCbor, 'write', '1.2', true],
    [senmlEtchJson, 'write', '1.2', false],
    [coreLink, 'write', '1.2', false],
    [65_000, 'write', '1.2', false],
    [senmlJson, 'readComposite', '1.1', true],
    [senmlEtchJson, 'readComposite', '1.1', false],
    [senmlEtchCbor, 'readComposite', '1.2', true],
    [lwm2mCbor, 'readComposite', '1.2', true],
    [tlv, 'readComposite', '1.2', false],
    [senmlEtchJson, 'writeComposite', '1.2', true],
    [cbor, 'writeComposite', '1.2', false],
  ];
  for (const [format, use, version, taken] of cases) {
    it(`${format} for ${use} in ${version}: ${taken ? 'taken' : '4.15'}`, () => {
      const check = (): void => checkContentFormat(format, use, version);
      if (taken) check();
      else assert.throws(check, (error) => error instanceof FormatError && error.reason === 'unsupportedContentFormat');
    });
  }

  it('has times where SenML or its predecessor says them', () => {
    const timed = Object.values(CONTENT_FORMATS).filter((format) => carriesTimestamps(format));
    assert.deepEqual(timed, [senmlJson, senmlCbor, legacyJson, json]);
  });
});
