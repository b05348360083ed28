// XML as far as OMA's schema needs it: elements with text, and the line each begins on. No document types, so no entities
// of one's own and no expansion; bounded in size and depth.

import { DefinitionError } from './definition-error.ts';

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Its own text, without white space around it. */
  readonly text: string;
  readonly line: number;
}

export interface XmlLimits {
  /** Characters of one document. */
  readonly maxLength: number;
  /** Elements inside of elements. */
  readonly maxDepth: number;
}

// The largest file of OMA's registry has 240,000 characters, and the schema is 5 levels deep.
export const DEFAULT_XML_LIMITS: XmlLimits = Object.freeze({ maxLength: 4_194_304, maxDepth: 16 });

type ParsedNode = Readonly<Record<string, unknown>>;

/** The root element. The parser is loaded when first needed. @throws DefinitionError naming the line */
export async function parseXml(text: string, source: string, limits: XmlLimits): Promise<XmlElement> {
  const document = text.startsWith('\uFEFF') ? text.slice(1) : text;
  if (document.length > limits.maxLength) {
    throw new DefinitionError(source, undefined, `expected at most ${limits.maxLength} characters of XML`);
  }
  const lines = new LineIndex(document);
  const docType = document.search(/<!(?:d|entity)/i);
  if (docType >= 0) throw new DefinitionError(source, lines.at(docType), 'expected XML without <!DOCTYPE');
  const { XMLParser, XMLValidator } = await import('fast-xml-parser');
  const verdict = XMLValidator.validate(document);
  if (verdict !== true) throw new DefinitionError(source, verdict.err.line, `malformed XML: ${verdict.err.msg}`);
  const parser = new XMLParser({
    preserveOrder: true,
    captureMetaData: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseTagValue: false,
    trimValues: false,
    htmlEntities: true, // numeric ones come with them
    ignoreDeclaration: true,
    ignorePiTags: true,
    maxNestedTags: limits.maxDepth,
  });
  let nodes: readonly ParsedNode[];
  try {
    nodes = parser.parse(document) as readonly ParsedNode[];
  } catch (error) {
    throw new DefinitionError(source, undefined, `malformed XML: ${error instanceof Error ? error.message : ''}`);
  }
  const reader = new TreeReader(lines, XMLParser.getMetaDataSymbol() as symbol);
  const [root] = reader.elements(nodes);
  if (root === undefined) throw new DefinitionError(source, undefined, 'expected an XML element, found none');
  return root;
}

const ATTRIBUTES = ':@';
const TEXT = '#text';

/** Gives the parser's tree types and lines. */
class TreeReader {
  readonly #lines: LineIndex;
  readonly #metaData: symbol;

  constructor(lines: LineIndex, metaData: symbol) {
    this.#lines = lines;
    this.#metaData = metaData;
  }

  elements(nodes: readonly ParsedNode[]): readonly XmlElement[] {
    return nodes.flatMap((node) => {
      const name = Object.keys(node).find((key) => key !== ATTRIBUTES && key !== TEXT);
      return name === undefined ? [] : [this.#element(name, node)];
    });
  }

  #element(name: string, node: ParsedNode): XmlElement {
    const content = node[name] as readonly ParsedNode[];
    const meta = (node as Readonly<Record<symbol, { readonly startIndex?: number } | undefined>>)[this.#metaData];
    return {
      name,
      attributes: (node[ATTRIBUTES] ?? {}) as Readonly<Record<string, string>>,
      children: this.elements(content),
      text: content
        .map((part) => (typeof part[TEXT] === 'string' ? part[TEXT] : ''))
        .join('')
        .trim(),
      line: this.#lines.at(meta?.startIndex ?? 0),
    };
  }
}

/** Lines by offset, found by halving: a document may have as many elements as lines. */
class LineIndex {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1);
  }

  /** From 1 on. */
  at(offset: number): number {
    let [low, high] = [0, this.#starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }
}
