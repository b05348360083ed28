// What CoAP peers send: messages, and payloads in every format.

import { decodeCbor, encodeCbor, equalBytes, fromHex, utf8Decode, utf8Encode } from '../../../lib/bytes/index.ts';
import { decodeMessage, encodeMessage } from '../../../lib/coap/index.ts';
import {
  CONTENT_FORMATS,
  FormatError,
  type ShapeOf,
  decodeChanges,
  decodeEntries,
  decodeLinks,
  decodePaths,
  encodeChanges,
  encodeEntries,
  encodeLinks,
  encodePaths,
} from '../../../lib/formats/index.ts';
import { type Entry, Path, type ResourceType } from '../../../lib/model/index.ts';
import { type FuzzTarget, orDecodeError, promise } from '../target.ts';

const MAX_BYTES = 512;
const NOW = 1_700_000_000_000; // ms since 1970

export const coap: FuzzTarget = {
  name: 'coap',
  maxBytes: MAX_BYTES,
  seeds: () =>
    [
      '40010001',
      '44020bce01020304b272640d05653d6c776d326d116e02656e703d6465766963652d31ff3c2f312f303e',
      '6445b0cf01020304 c0 2105 ff7b7d'.replaceAll(' ', ''),
      '580112340102030405060708 bd0574656d7065726174757265 4131 0d 2c65'.replaceAll(' ', ''),
      '70001234',
    ].map((hex) => fromHex(hex)),
  run(input) {
    const message = orDecodeError(() => decodeMessage(input));
    if (message === undefined) return;
    const encoded = encodeMessage(message);
    const again = encodeMessage(decodeMessage(encoded));
    promise(equalBytes(encoded, again), 'a message that was read can be written and read again');
  },
};

export const cbor: FuzzTarget = {
  name: 'cbor',
  maxBytes: MAX_BYTES,
  seeds: () =>
    [
      '83010203',
      'a26161016162820203',
      'f93c00',
      'fb3ff199999999999a',
      'c074323031332d30332d32315432303a30343a30305a',
      '9f01ff',
      '5f41004101ff',
      '1bffffffffffffffff',
      'd82843010203',
      'f6',
      'bf6161f5ff',
    ].map((hex) => fromHex(hex)),
  run(input) {
    const value = orDecodeError(() => decodeCbor(input));
    if (value === undefined) return;
    const encoded = encodeCbor(value);
    promise(equalBytes(encoded, encodeCbor(decodeCbor(encoded))), 'CBOR that was read can be written and read again');
  },
};

const TYPES: readonly ResourceType[] = [
  ...([
    'string',
    'integer',
    'unsignedInteger',
    'float',
    'boolean',
    'opaque',
    'time',
    'objectLink',
    'coreLink',
  ] as const),
];
/** Every type among the resources 0 to 8, single; 10 to 18, multiple; others are unknown. */
const shapeOf: ShapeOf = (path) => {
  const resource = path.resource ?? 0;
  const type = TYPES[resource % 10];
  return type === undefined || resource > 18 ? undefined : { type, multiple: resource >= 10 };
};
const BASES = ['/3/0', '/3', '/3/0/1', '/3/0/11', '/3/0/5', '/3/0/6', '/3/0/3', '/3/0/12/0'].map((text) =>
  Path.parse(text),
);

function orFormatError(encode: () => Uint8Array): Uint8Array | undefined {
  try {
    return encode();
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

/** The first byte chooses where the payload was sent to. */
function formatTarget(
  name: string,
  format: number,
  payloads: readonly Uint8Array[],
  words: readonly string[],
  bases: readonly Path[] = BASES,
): FuzzTarget {
  return {
    name,
    maxBytes: MAX_BYTES,
    dictionary: words.map(utf8Encode),
    seeds: () => payloads.flatMap((payload) => bases.slice(0, 3).map((_, at) => Uint8Array.of(at, ...payload))),
    run(input) {
      const base = bases[(input[0] ?? 0) % bases.length]!;
      const read = (bytes: Uint8Array) => decodeEntries(format, base, bytes, shapeOf, { now: NOW });
      const entries = orDecodeError(() => read(input.subarray(1)));
      if (entries === undefined || entries.length === 0) return;
      const write = (given: readonly Entry[]) => encodeEntries(format, base, given, shapeOf, { now: NOW });
      const encoded = orFormatError(() => write(entries));
      if (encoded === undefined) return; // TLV may be read of things it cannot write, and now itself is no time
      const again = write(read(encoded));
      promise(equalBytes(encoded, again), 'entries that were read can be written and read again');
    },
  };
}

export const tlv = formatTarget(
  'tlv',
  CONTENT_FORMATS.tlv,
  [
    'c800144f70656e204d6f62696c6520416c6c69616e6365',
    '860b41000141010541020345',
    'c10101c40400000001e30c0000',
    '080079c10564',
  ].map((hex) => fromHex(hex.length % 2 === 0 ? hex : `${hex}0`)),
  [],
);

const JSON_WORDS = [
  '"bn":',
  '"n":',
  '"v":',
  '"vs":',
  '"vb":',
  '"vd":',
  '"vlo":',
  '"bt":',
  '"t":',
  '"/3/0/',
  'true',
  '1e400',
  '-',
  '\\u0000',
  '{',
  '}',
  ',',
  'null',
  '12:34',
];

export const senmlJson = formatTarget(
  'senml-json',
  CONTENT_FORMATS.senmlJson,
  [
    '[{"bn":"/3/0/","n":"0","vs":"Open Mobile Alliance"},{"n":"1","v":42},{"n":"4","vb":true}]',
    '[{"bn":"/3/0","n":"/5","vd":"AQID","bt":25462634,"t":-5},{"n":"/7","vlo":"1:2"}]',
    '[{"n":"/3/0/3","v":1.5e3}]',
  ].map(utf8Encode),
  JSON_WORDS,
);

const hexes = (...texts: readonly string[]): readonly Uint8Array[] =>
  texts.map((text) => fromHex(text.replaceAll(' ', '')));

export const senmlCbor = formatTarget(
  'senml-cbor',
  CONTENT_FORMATS.senmlCbor,
  hexes(
    '82 a3 21 66 2f332f302f31 00 60 02 182a a2 00 60 04 f5',
    '82 a5 21 65 2f332f302f 22 1a 65400000 00 61 35 08 43 010203 06 24 a2 00 61 37 63 766c6f 63 313a32',
    '9f bf 00 66 2f332f302f33 02 f9 3e00 ff ff',
    '81 a2 00 66 2f332f302f31 02 c4 82 21 19 6ab3',
  ),
  ['/3/0/', 'vlo', 'x_', '12:34'],
);

export const lwm2mCbor = formatTarget(
  'lwm2m-cbor',
  CONTENT_FORMATS.lwm2mCbor,
  hexes(
    'a1 82 03 00 a3 00 64 4f4d4120 01 182a 04 f5',
    'a1 03 a1 00 a2 05 43 010203 0b a2 00 00 01 05',
    'bf 9f 03 00 03 ff f9 3e00 ff',
    'a2 06 c1 1a 5182428f 07 63 313a32',
  ),
  [],
);

export const json = formatTarget(
  'json',
  CONTENT_FORMATS.json,
  [
    '{"bn":"/3/0/","e":[{"n":"0","sv":"Open Mobile Alliance"},{"n":"1","v":42},{"n":"4","bv":true}]}',
    '{"e":[{"n":"5","sv":"AQID"},{"n":"7","ov":"1:2"}],"bt":25462634}',
    '{"bn":"/3/0/3","e":[{"v":1.5e3,"t":-5}]}',
  ].map(utf8Encode),
  [...JSON_WORDS, '"e":[', '"sv":', '"bv":', '"ov":'],
);

const COMPOSITES = [CONTENT_FORMATS.senmlEtchJson, CONTENT_FORMATS.senmlEtchCbor, CONTENT_FORMATS.lwm2mCbor];

/** What Read-Composite and Write-Composite carry; the first byte chooses the format. */
export const composite: FuzzTarget = {
  name: 'composite',
  maxBytes: MAX_BYTES,
  dictionary: [...JSON_WORDS, ':null'].map(utf8Encode),
  seeds: () => [
    Uint8Array.of(0, ...utf8Encode('[{"n":"/3/0/1"},{"n":"/1"}]')),
    Uint8Array.of(0, ...utf8Encode('[{"n":"/3/0/11/0","v":null},{"n":"/3/0/1","v":7}]')),
    ...hexes(
      '01 82 a1 00 62 2f33 a1 00 66 2f332f302f31',
      '01 82 a2 00 69 2f332f302f31312f30 02 f6 a2 00 66 2f332f302f31 02 07',
      '02 a2 83 03 00 01 f6 01 f6',
      '02 a1 82 03 00 a2 0b a1 00 f6 01 07',
    ),
  ],
  run(input) {
    const format = COMPOSITES[(input[0] ?? 0) % COMPOSITES.length]!;
    const paths = orDecodeError(() => decodePaths(format, input.subarray(1)));
    if (paths !== undefined) {
      const encoded = orFormatError(() => encodePaths(format, paths));
      if (encoded !== undefined) {
        const again = encodePaths(format, decodePaths(format, encoded));
        promise(equalBytes(encoded, again), 'paths that were read can be written and read again');
      }
    }
    const changes = orDecodeError(() => decodeChanges(format, input.subarray(1), shapeOf));
    if (changes === undefined) return;
    const encoded = orFormatError(() => encodeChanges(format, changes, shapeOf));
    if (encoded === undefined) return;
    const again = encodeChanges(format, decodeChanges(format, encoded, shapeOf), shapeOf);
    promise(equalBytes(encoded, again), 'changes that were read can be written and read again');
  },
};

export const text = formatTarget(
  'text',
  CONTENT_FORMATS.text,
  ['42', '-1.5', '1:2', 'true', 'AQID'].map(utf8Encode),
  ['-', '.', 'e'],
  BASES.slice(2),
);

export const coreLink: FuzzTarget = {
  name: 'core-link',
  maxBytes: MAX_BYTES,
  dictionary: [';', ',', '<', '>', '"', '\\', '=', ';rt="oma.lwm2m"', ';ct=110', ';ver=1.1', '</'].map(utf8Encode),
  seeds: () =>
    ['</>;rt="oma.lwm2m";ct=110,</1/0>,</3/0>;ver=1.1', '</3/0>;pmin=10;pmax=60;gt=1.5', '<a>;x="\\"",<b>'].map(
      utf8Encode,
    ),
  run(input) {
    const decoded = orDecodeError(() => utf8Decode(input, 'links'));
    const links = decoded === undefined ? undefined : orDecodeError(() => decodeLinks(decoded));
    if (links === undefined) return;
    let written: string;
    try {
      written = encodeLinks(links);
    } catch (error) {
      if (error instanceof RangeError) return; // a target no device of ours would name
      throw error;
    }
    promise(encodeLinks(decodeLinks(written)) === written, 'links that were written can be read');
  },
};
