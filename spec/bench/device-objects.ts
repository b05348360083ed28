// The objects of the device benchmarks: floats in instances, and one executable that changes one of each instance.

import { type TypedObject, defineObject } from '../../lib/model/index.ts';

export const METERS = 32_780;
export const FLIP = 32_781;
const WIDTH = 10; // resources of an instance

const definition = {
  id: METERS,
  name: 'Meters',
  multiple: true,
  resources: Object.fromEntries(
    Array.from({ length: WIDTH }, (_, id) => [
      `value${id}`,
      { id, name: `Value ${id}`, operations: 'R', type: 'float' } as const,
    ]),
  ),
} as const;

const Flip = defineObject({
  id: FLIP,
  name: 'Flip',
  resources: { flip: { id: 0, name: 'Flip', operations: 'E', type: 'none', mandatory: true } },
});

export type Meters = TypedObject<typeof definition>;

/** `instances` × ten values, all 0. */
export function createMeters(instances: number): Meters {
  const values = Object.fromEntries(Array.from({ length: WIDTH }, (_, id) => [`value${id}`, 0]));
  const all = Object.fromEntries(Array.from({ length: instances }, (_, id) => [id, values]));
  return defineObject(definition).create(all);
}

/** Executed, it changes resource 0 of every instance. */
export function createFlip(meters: Meters): TypedObject<(typeof Flip)['definition'], 0> {
  let round = 0;
  return Flip.create({
    0: {
      flip: () => {
        round++;
        for (const id of meters.instanceIds) meters.set(id, 'value0', round);
      },
    },
  });
}

/** Paths of all values, the instances one after the other. */
export function meterPaths(instances: number): readonly (readonly string[])[] {
  return Array.from({ length: instances * WIDTH }, (_, i) => [
    String(METERS),
    String(Math.floor(i / WIDTH)),
    String(i % WIDTH),
  ]);
}
