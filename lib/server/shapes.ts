// What a server knows of the objects it manages: definitions, asked by path.

import type { ObjectDefinition } from '../model/index.ts';
import type { ShapeOf } from '../formats/index.ts';

/** A ShapeOf over definitions; unknown objects and resources have no shape. */
export function shapesOf(definitions: readonly ObjectDefinition[]): ShapeOf {
  const shapes = new Map<string, ReturnType<ShapeOf>>();
  for (const { id, resources } of definitions) {
    for (const resource of Object.values(resources)) {
      shapes.set(`${id}/${resource.id}`, {
        type: resource.type,
        multiple: resource.multiple ?? false,
        wide: resource.wide === true,
      });
    }
  }
  return (path) => shapes.get(`${path.object}/${path.resource}`);
}
