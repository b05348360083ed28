// What waits to be sent, across restarts.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type SendPack } from '../../lib/client/send.ts';
import { sendsCodec, sendsKey } from '../../lib/client/saved-sends.ts';
import { DecodeError, utf8Encode } from '../../lib/bytes/index.ts';
import { ObjectSet } from '../../lib/client/object-set.ts';
import { Path } from '../../lib/model/index.ts';
import { createTemperature } from '../../lib/objects/index.ts';

const owner = { endpoint: 'a', uri: 'coap://b' };
const codec = sendsCodec(owner, new ObjectSet([createTemperature({})]));

const packs = fc.array(
  fc.record({
    format: fc.constantFrom('senmlJson' as const, 'senmlCbor' as const, 'lwm2mCbor' as const),
    at: fc.option(fc.integer({ min: 2 ** 28 * 1_000, max: 2 ** 41 }), { nil: undefined }),
    entries: fc
      .uniqueArray(fc.tuple(fc.nat({ max: 100 }), fc.float({ noNaN: true, noDefaultInfinity: true })), {
        minLength: 1,
        maxLength: 5,
        selector: ([instance]) => instance,
      })
      .map((values) => values.map(([instance, value]) => ({ path: Path.of(3303, instance, 5700), value }))),
  }),
);

function shown(given: readonly SendPack[] | undefined): unknown {
  return given?.map(({ entries, ...rest }) => ({
    ...rest,
    values: entries.map(({ path, value }) => [`${path}`, value]),
  }));
}

describe('saved sends', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(packs, (given) => assert.deepEqual(shown(codec.decode(codec.encode(given))), shown(given))),
      { numRuns: 1_000 },
    );
  });

  it("are not another endpoint's or server's", () => {
    const bytes = codec.encode([]);
    assert.deepEqual(codec.decode(bytes), []);
    assert.equal(sendsCodec({ ...owner, uri: 'coap://c' }, new ObjectSet([])).decode(bytes), undefined);
    assert.equal(sendsCodec({ ...owner, endpoint: 'b' }, new ObjectSet([])).decode(bytes), undefined);
  });

  it('are a value or a DecodeError for any bytes and any JSON', () => {
    const check = (bytes: Uint8Array): void => {
      try {
        codec.decode(bytes);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), check), { numRuns: 1_000 });
    const damaged = fc.record(
      {
        format: fc.constantFrom('senmlCbor', 'text', 1),
        at: fc.anything(),
        values: fc.oneof(fc.base64String(), fc.anything()),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(fc.array(damaged), fc.json()), (saved) =>
        check(utf8Encode(JSON.stringify({ format: 1, ...owner, packs: saved }))),
      ),
      { numRuns: 2_000 },
    );
    fc.assert(
      fc.property(fc.json(), (text) => check(utf8Encode(text))),
      { numRuns: 1_000 },
    );
  });

  it('have a key that storages take', () => assert.match(sendsKey(65_534), /^[a-z0-9][a-z0-9._-]*$/));
});
