import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError, utf8Encode } from '../../lib/bytes/index.ts';
import { parseRegistration } from '../../lib/server/index.ts';

const none = new Uint8Array();

describe('server/registration-request', () => {
  it('reads the Register of LwM2M Core 1.1 §6.2.1 as it stands there', () => {
    const given = parseRegistration(
      ['ep=node', 'lt=86400', 'lwm2m=1.1', 'b=U', 'Q'],
      utf8Encode('</>;rt="oma.lwm2m";ct=112,</1/0>,</1/1>,</2/0>,</3/0>,</4/0>,</5>;ver=2.1'),
    );
    assert.equal(given.endpoint, 'node');
    assert.equal(given.lifetime, 86_400_000);
    assert.equal(given.version, '1.1');
    assert.equal(given.binding, 'U');
    assert.equal(given.queueMode, true);
    assert.equal(given.rootPath, '');
    assert.deepEqual(given.objects?.get(1), { version: undefined, instances: [0, 1] });
    assert.deepEqual(given.objects?.get(5), { version: '2.1', instances: [] });
  });

  it('takes the queue mode of 1.0 from its binding', () => {
    assert.equal(parseRegistration(['ep=a', 'b=UQ'], none).queueMode, true);
    assert.equal(parseRegistration(['ep=a', 'b=U'], none).queueMode, undefined);
  });

  it('finds objects below an alternate path', () => {
    const { rootPath, objects } = parseRegistration(
      [],
      utf8Encode('</lwm2m>;rt="oma.lwm2m",</lwm2m/3/0>,</elsewhere>'),
    );
    assert.equal(rootPath, '/lwm2m');
    assert.deepEqual([...objects!.keys()], [3]);
  });

  for (const [query, field] of [
    [['lt=0'], 'lt'],
    [['lt=-1'], 'lt'],
    [['lt=4294967296'], 'lt'],
    [['lt=ten'], 'lt'],
    [['lwm2m=2.0'], 'lwm2m'],
    [['b=Z'], 'b'],
    [['ep='], 'ep'],
    [[`ep=${'x'.repeat(257)}`], 'ep'],
    [['ep=a', 'ep=b'], 'query'],
  ] as const) {
    it(`refuses ${query.join('&').slice(0, 20)} and names ${field}`, () => {
      assert.throws(
        () => parseRegistration(query, none),
        (error) => error instanceof DecodeError && error.field === field,
      );
    });
  }

  it('gives parameters or a DecodeError for any query and payload', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 5 }), fc.uint8Array({ maxLength: 60 }), (query, payload) => {
        try {
          parseRegistration(query, payload);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
