// Coverage for the fuzzer: every place where JavaScript branches reports itself. No native fuzzer to download, and no
// pause to ask V8: a call and an increment for each branch taken.

import { type Node, parse } from 'acorn';

export interface Instrumented {
  readonly code: string;
  /** How many places report. */
  readonly sites: number;
}

type Tree = Node & Readonly<Record<string, unknown>>;

interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** What instrumented code calls; `coverage.ts` puts it there. */
export const HIT = '__fuzzHit';

const MAP_BITS = 16;
/** Size of the map that sites and the edges between them fall into. */
export const MAP_SIZE = 1 << MAP_BITS;

/**
 * The same module, telling of every function, branch, loop, case and right side of a logical operator that runs.
 * @param name decides the numbers of the sites, so that they are the same in every run
 */
export function instrument(source: string, name: string): Instrumented {
  const insertions: Insertion[] = [];
  let sites = 0;
  const base = fnv1a(name);
  const call = (): string => `${HIT}(${Math.imul(base + sites++, 0x9e3779b1) >>> (32 - MAP_BITS)})`;
  const insert = (at: number, text: string): void => void insertions.push({ at, text });
  const around = (node: Node, open: string, close: string): void => {
    insert(node.start, open);
    visit(node);
    insert(node.end, close);
  };
  const statement = (node: Node): void => {
    if (node.type !== 'BlockStatement') return around(node, `{${call()};`, '}');
    insert(node.start + 1, `${call()};`);
    visitChildren(node);
  };
  const expression = (node: Node): void => around(node, `(${call()},`, ')');

  // The order of the insertions is that of the visit: outer ones open first and close last.
  const visit = (node: Node): void => {
    const each = (key: string, use: (child: Node) => void): void => children(node, key).forEach(use);
    switch (node.type) {
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        for (const parameter of children(node, 'params')) visit(parameter);
        return each('body', (body) => (body.type === 'BlockStatement' ? statement(body) : expression(body)));
      case 'IfStatement':
        each('test', visit);
        each('consequent', statement);
        return each('alternate', (other) => (other.type === 'IfStatement' ? visit(other) : statement(other)));
      case 'ConditionalExpression':
        each('test', visit);
        each('consequent', expression);
        return each('alternate', expression);
      case 'LogicalExpression':
        each('left', visit);
        return each('right', expression);
      case 'WhileStatement':
      case 'DoWhileStatement':
      case 'ForStatement':
      case 'ForOfStatement':
      case 'ForInStatement': {
        for (const key of ['init', 'left', 'right', 'test', 'update']) each(key, visit);
        return each('body', statement);
      }
      case 'CatchClause':
        return each('body', statement);
      case 'SwitchCase': {
        each('test', visit);
        const [first] = children(node, 'consequent');
        if (first !== undefined) insert(first.start, `${call()};`);
        for (const child of children(node, 'consequent')) visit(child);
        return;
      }
      default:
        visitChildren(node);
    }
  };
  const visitChildren = (node: Node): void => {
    for (const key of Object.keys(node)) for (const child of children(node, key)) visit(child);
  };
  visit(parse(source, { ecmaVersion: 'latest', sourceType: 'module' }));
  return { code: withInsertions(source, insertions), sites };
}

function children(node: Node, key: string): readonly Node[] {
  const value = (node as Tree)[key];
  return (Array.isArray(value) ? value : [value]).filter(isNode);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

function withInsertions(source: string, insertions: readonly Insertion[]): string {
  const parts: string[] = [];
  let from = 0;
  // Sorting is stable: what stands at one place keeps the order of the visit.
  for (const { at, text } of insertions.toSorted((a, b) => a.at - b.at)) {
    parts.push(source.slice(from, at), text);
    from = at;
  }
  return parts.join('') + source.slice(from);
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
