export { MAX_ID, Path } from './path.ts';
export {
  type Entry,
  type ObjectLink,
  type ResourceType,
  type Value,
  type ValueOfType,
  equalValues,
  hasType,
  isObjectLink,
} from './value.ts';
export type {
  Bounds,
  Executable,
  InstanceInit,
  InstanceOf,
  ObjectDefinition,
  Operations,
  ResourceDefinition,
} from './definition.ts';
export { checkValue } from './instance.ts';
export { ModelError, type ModelErrorReason } from './model-error.ts';
export type { Actor, Change, ManagedObject, Prepared, WriteMode, WriteRequest } from './managed-object.ts';
export type { OpaqueSource, OpaqueStream } from './opaque-stream.ts';
export { type ObjectHooks, type TypedObject, TypedObjectBase } from './typed-object.ts';
export { type ObjectKind, defineObject } from './define-object.ts';
export { DefinitionError } from './xml/definition-error.ts';
export { type LoadOptions, loadObjectDefinitions } from './xml/load.ts';
export { type PlausibleOptions, plausibleObject, plausibleValue } from './plausible.ts';
export { type CodegenOptions, generateModule } from './codegen.ts';
