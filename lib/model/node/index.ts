export {
  type DefinitionFileLimits,
  type ReadDefinitions,
  latestVersions,
  readObjectDefinitions,
} from './definition-files.ts';
