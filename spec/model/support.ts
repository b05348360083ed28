// An object with one resource of every kind that the specs of the model write to and read from.

import { defineObject } from '../../lib/model/index.ts';

export const Sample = defineObject({
  id: 34,
  name: 'Sample',
  multiple: true,
  resources: {
    count: { id: 0, name: 'Count', operations: 'RW', type: 'integer', mandatory: true, range: [0, 100] },
    colours: { id: 1, name: 'Colours', operations: 'RW', type: 'string', multiple: true },
    serial: { id: 2, name: 'Serial', operations: 'R', type: 'string' },
    secret: { id: 3, name: 'Secret', operations: 'W', type: 'opaque' },
    hidden: { id: 4, name: 'Hidden', operations: '', type: 'string' },
    blink: { id: 5, name: 'Blink', operations: 'E', type: 'none' },
    note: { id: 6, name: 'Note', operations: 'RW', type: 'string', range: [0, 8] },
    total: { id: 7, name: 'Total', operations: 'R', type: 'unsignedInteger', wide: true },
    level: { id: 8, name: 'Level', operations: 'R', type: 'float' },
  },
});

export type SampleDefinition = (typeof Sample)['definition'];
