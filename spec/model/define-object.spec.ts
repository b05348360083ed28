import assert from 'node:assert/strict';
import { type ResourceDefinition, defineObject } from '../../lib/model/index.ts';

const define = (resources: Record<string, ResourceDefinition>, id = 1): unknown =>
  defineObject({ id, name: 'Test', resources });

describe('defineObject', () => {
  const wrong: [what: string, resources: Record<string, ResourceDefinition>, message: RegExp][] = [
    [
      'an id used twice',
      {
        a: { id: 1, name: 'A', operations: 'R', type: 'string' },
        b: { id: 1, name: 'B', operations: 'R', type: 'string' },
      },
      /object 1 \(Test\): b and a have the same id 1/,
    ],
    [
      'an id out of range',
      { a: { id: 65_535, name: 'A', operations: 'R', type: 'string' } },
      /resource a: an id is 0 to 65534, not 65535/,
    ],
    ['an executable with a type', { a: { id: 1, name: 'A', operations: 'E', type: 'string' } }, /executable/],
    ['a value without a type', { a: { id: 1, name: 'A', operations: 'R', type: 'none' } }, /executable/],
    [
      'a wide text',
      { a: { id: 1, name: 'A', operations: 'R', type: 'string', wide: true } },
      /only integers can be wide/,
    ],
  ];
  for (const [what, resources, message] of wrong) {
    it(`refuses ${what}`, () => assert.throws(() => define(resources), message));
  }

  it('refuses an object id out of range', () => assert.throws(() => define({}, 65_535), /an id is 0 to 65534/));

  it('refuses a second instance of an object that has one', () => {
    const Single = defineObject({ id: 1, name: 'Single', resources: {} });
    assert.throws(() => Single.create({ 0: {}, 1: {} }), /instance 0 only/);
  });
});
