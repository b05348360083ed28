import assert from 'node:assert/strict';
import {
  CONTENT_FORMATS,
  FormatError,
  SUPPORTED_READ_FORMATS,
  SUPPORTED_WRITE_FORMATS,
  carriesTimestamps,
  decodeChanges,
  decodeEntries,
  decodePaths,
  encodeEntries,
} from '../../lib/formats/index.ts';
import { Path } from '../../lib/model/index.ts';

const path = Path.of(9, 0, 1);
const shapeOf = () => ({ type: 'opaque', multiple: false }) as const;

const UNSUPPORTED = [CONTENT_FORMATS.coreLink, 65_000];

describe('formats of values', () => {
  it('are those it says, and the two old numbers', () => {
    for (const format of Object.values(CONTENT_FORMATS).filter((number) => !UNSUPPORTED.includes(number))) {
      const bytes = encodeEntries(format, path, [{ path, value: Uint8Array.of(1) }], shapeOf);
      assert.deepEqual(decodeEntries(format, path, bytes, shapeOf)[0]!.value, Uint8Array.of(1));
    }
    for (const format of [...SUPPORTED_READ_FORMATS, ...SUPPORTED_WRITE_FORMATS]) {
      assert.ok(!UNSUPPORTED.includes(format));
    }
  });

  it('refuses others, saying who is to hear of it', () => {
    for (const format of UNSUPPORTED) {
      const refuses = (run: () => unknown, reason: string): void =>
        assert.throws(run, (error) => {
          assert.ok(error instanceof FormatError);
          assert.deepEqual([error.format, error.code, error.reason], [format, 'ENOTSUP', reason]);
          return true;
        });
      refuses(() => encodeEntries(format, path, [{ path, value: Uint8Array.of(1) }], shapeOf), 'notAcceptable');
      refuses(() => decodeEntries(format, path, new Uint8Array(0), shapeOf), 'unsupportedContentFormat');
      refuses(() => decodePaths(format, new Uint8Array(0)), 'unsupportedContentFormat');
      refuses(() => decodeChanges(format, new Uint8Array(0), shapeOf), 'unsupportedContentFormat');
    }
  });

  it('says that times are lost, rather than losing them', () => {
    const entries = [{ path, value: Uint8Array.of(1), timestamp: 1_700_000_000_000 }];
    for (const format of [...SUPPORTED_READ_FORMATS, CONTENT_FORMATS.json]) {
      const encode = (): Uint8Array => encodeEntries(format, path, entries, shapeOf);
      if (carriesTimestamps(format)) assert.deepEqual(decodeEntries(format, path, encode(), shapeOf), entries);
      else assert.throws(encode, FormatError);
    }
  });
});
