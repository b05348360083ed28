// Object definitions from OMA's XML (LWM2M.xsd of the OMNA registry), as the registry has it, oddities included.

import type { ObjectDefinition, Operations, ResourceDefinition } from '../definition.ts';
import { DEFAULT_XML_LIMITS, type XmlElement, type XmlLimits, parseXml } from './element.ts';
import { DefinitionError } from './definition-error.ts';
import type { ResourceType } from '../value.ts';
import { parseRange } from './range.ts';
import { propertyName } from './property-name.ts';
import { validateDefinition } from '../definition.ts';

export interface LoadOptions extends Partial<XmlLimits> {
  /** What errors call the document: its file. Default `XML`. */
  readonly source?: string | undefined;
}

/**
 * The object definitions of an OMA document, of which most have one. Names become property names, free-form ranges what can be
 * understood of them (`rangeText` keeps the rest). Registry oddities are taken: byte-order marks, operations that are empty,
 * executable resources with or without a type.
 * @throws DefinitionError naming source and line
 */
export async function loadObjectDefinitions(
  xml: string,
  options: LoadOptions = {},
): Promise<readonly ObjectDefinition[]> {
  const source = options.source ?? 'XML';
  const root = await parseXml(xml, source, { ...DEFAULT_XML_LIMITS, ...options });
  if (root.name !== 'LWM2M') throw new DefinitionError(source, root.line, `expected <LWM2M>, found <${root.name}>`);
  const objects = root.children.filter(({ name }) => name === 'Object');
  if (objects.length === 0) throw new DefinitionError(source, root.line, 'expected an <Object>, found none');
  return objects.map((object) => new DefinitionReader(source).object(object));
}

const TYPES: Readonly<Record<string, ResourceType>> = {
  string: 'string',
  integer: 'integer',
  'unsigned integer': 'unsignedInteger',
  float: 'float',
  boolean: 'boolean',
  opaque: 'opaque',
  time: 'time',
  objlnk: 'objectLink',
  corelnk: 'coreLink',
};

class DefinitionReader {
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  object(element: XmlElement): ObjectDefinition {
    const kind = element.attributes['ObjectType'];
    if (kind !== 'MODefinition') {
      throw this.#error(element, `expected ObjectType MODefinition, found ${JSON.stringify(kind ?? '')}`);
    }
    const definition: ObjectDefinition = {
      id: this.#id(this.#child(element, 'ObjectID'), this.#child(element, 'ObjectID').text),
      name: this.#name(element),
      ...this.#version(element),
      ...this.#flag(element, 'MultipleInstances', 'Multiple', 'Single', 'multiple'),
      ...this.#flag(element, 'Mandatory', 'Mandatory', 'Optional', 'mandatory'),
      resources: this.#resources(element),
    };
    try {
      validateDefinition(definition);
    } catch (error) {
      throw this.#error(element, error instanceof Error ? error.message : String(error));
    }
    return definition;
  }

  #resources(object: XmlElement): Readonly<Record<string, ResourceDefinition>> {
    const resources: Record<string, ResourceDefinition> = {};
    const taken = new Set<string>();
    for (const item of this.#child(object, 'Resources').children) {
      if (item.name !== 'Item') throw this.#error(item, `expected <Item>, found <${item.name}>`);
      const resource = this.#resource(item);
      const name = propertyName(resource.name, resource.id, taken);
      taken.add(name);
      resources[name] = resource;
    }
    return resources;
  }

  #resource(item: XmlElement): ResourceDefinition {
    const operations = this.#operations(item);
    const type = this.#type(item, operations);
    const range = parseRange(optionalText(item, 'RangeEnumeration'), type);
    const units = optionalText(item, 'Units');
    return {
      id: this.#id(item, item.attributes['ID'] ?? ''),
      name: this.#name(item),
      operations,
      type,
      ...this.#flag(item, 'MultipleInstances', 'Multiple', 'Single', 'multiple'),
      ...this.#flag(item, 'Mandatory', 'Mandatory', 'Optional', 'mandatory'),
      ...range,
      ...(units === '' ? {} : { units }),
      ...(isWide(range) ? { wide: true } : {}),
    };
  }

  #operations(item: XmlElement): Operations {
    const found = optionalText(item, 'Operations');
    if (found === 'R' || found === 'W' || found === 'RW' || found === 'E' || found === '') return found;
    throw this.#error(
      childOf(item, 'Operations') ?? item,
      `Operations: expected R, W, RW, E or nothing, found ${JSON.stringify(found)}`,
    );
  }

  #type(item: XmlElement, operations: Operations): ResourceType {
    if (operations === 'E') return 'none';
    const found = optionalText(item, 'Type');
    const type = TYPES[found.toLowerCase()];
    if (type !== undefined) return type;
    const expected = Object.keys(TYPES).join(', ');
    throw this.#error(childOf(item, 'Type') ?? item, `Type: expected ${expected}, found ${JSON.stringify(found)}`);
  }

  #name(element: XmlElement): string {
    const { text, line } = this.#child(element, 'Name');
    if (text === '') throw new DefinitionError(this.#source, line, 'Name: expected a name, found nothing');
    return text.replaceAll(/\s+/g, ' ');
  }

  #id(element: XmlElement, text: string): number {
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_534) return Number(text);
    throw this.#error(element, `expected an id from 0 to 65534, found ${JSON.stringify(text)}`);
  }

  #version(object: XmlElement): Pick<ObjectDefinition, 'version'> {
    const found = childOf(object, 'ObjectVersion');
    if (found === undefined || found.text === '') return {};
    if (/^\d+\.\d+$/.test(found.text)) return { version: found.text as `${number}.${number}` };
    throw this.#error(found, `ObjectVersion: expected a version such as 1.0, found ${JSON.stringify(found.text)}`);
  }

  #flag<K extends 'multiple' | 'mandatory'>(
    element: XmlElement,
    name: string,
    yes: string,
    no: string,
    key: K,
  ): { readonly [P in K]?: true } {
    const found = this.#child(element, name);
    if (found.text === no) return {};
    if (found.text === yes) return { [key]: true } as { readonly [P in K]?: true };
    throw this.#error(found, `${name}: expected ${yes} or ${no}, found ${JSON.stringify(found.text)}`);
  }

  #child(element: XmlElement, name: string): XmlElement {
    const found = childOf(element, name);
    if (found === undefined) throw this.#error(element, `<${element.name}> lacks <${name}>`);
    return found;
  }

  #error({ line }: XmlElement, problem: string): DefinitionError {
    return new DefinitionError(this.#source, line, problem);
  }
}

function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name);
}

function optionalText(element: XmlElement, name: string): string {
  return childOf(element, name)?.text ?? '';
}

/** Integers that the declared range lets grow beyond what numbers hold exactly. */
function isWide({ range, ranges = range === undefined ? [] : [range] }: ReturnType<typeof parseRange>): boolean {
  return ranges.some((bounds) => bounds.some((bound) => typeof bound === 'bigint'));
}
