// Who may import whom: walks every import of the source and fails on a breach of ARCHITECTURE's rule.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, path.extname(import.meta.filename) === '.ts' ? '..' : '../..');

/** What each room may import directly or through others; `bytes` and `runtime` have what stands before them. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  bytes: [],
  runtime: ['bytes'],
  crypto: ['bytes', 'runtime'],
  net: ['bytes', 'runtime', 'crypto'],
  coap: ['bytes', 'runtime', 'crypto', 'net'],
  model: ['bytes'],
  formats: ['bytes', 'model'],
  objects: ['bytes', 'model', 'runtime'],
  storage: ['bytes', 'runtime'],
  client: ['bytes', 'runtime', 'crypto', 'net', 'coap', 'model', 'formats', 'objects', 'storage'],
  server: ['bytes', 'runtime', 'crypto', 'net', 'coap', 'model', 'formats', 'storage'],
  fleet: ['bytes', 'runtime', 'crypto', 'net', 'coap', 'model', 'formats', 'objects', 'storage', 'client'],
  'backend:native': ['bytes', 'runtime', 'crypto', 'net'],
  'backend:node-tls': ['bytes', 'runtime', 'crypto', 'net'],
  'backend:openssl': ['bytes', 'runtime', 'crypto', 'net'],
};

/** The composition roots: they may import anything but the openssl backend statically. */
const ROOTS = new Set(['index', 'cli']);

interface Import {
  readonly file: string;
  readonly target: string;
  readonly dynamic: boolean;
}

function sources(): string[] {
  return ['lib', 'security-backends'].flatMap((top) =>
    readdirSync(path.join(ROOT, top), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${top}/${name.replaceAll(path.sep, '/')}`),
  );
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const found: Import[] = [];
  for (const match of text.matchAll(/(?:^|[\n;])\s*(?:import|export)\b[^'";]*?from\s*['"]([^'"]+)['"]/g)) {
    found.push({ file, target: match[1]!, dynamic: false });
  }
  for (const match of text.matchAll(/(?:^|[\n;])\s*import\s*['"]([^'"]+)['"]/g))
    found.push({ file, target: match[1]!, dynamic: false });
  for (const match of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g))
    found.push({ file, target: match[1]!, dynamic: true });
  return found;
}

function roomOf(file: string): string {
  const [top, second] = file.split('/') as [string, string];
  if (top === 'security-backends') return `backend:${second}`;
  return second === 'index.ts' ? 'index' : second;
}

function breach({ file, target, dynamic }: Import): string | undefined {
  const folders = file.split('/').slice(0, -1);
  const room = roomOf(file);
  if (target.startsWith('node:')) {
    const mayUseNode =
      folders.includes('node') || ['cli', 'fleet', 'backend:node-tls', 'backend:openssl'].includes(room);
    return mayUseNode ? undefined : `${file} imports ${target}: node:* belongs in folders named node/`;
  }
  if (target.startsWith('@noble/')) {
    return file.startsWith('lib/crypto/provider/')
      ? undefined
      : `${file} imports ${target}: only lib/crypto/provider may`;
  }
  if (!target.startsWith('.')) return undefined;
  const resolved = path.posix.join(path.posix.dirname(file), target);
  const other = roomOf(resolved);
  if (other === room || (ROOTS.has(room) && (dynamic || other !== 'backend:openssl'))) return undefined;
  if (ALLOWED[room]?.includes(other)) return undefined;
  return `${file} imports ${resolved}: ${room} may import ${ALLOWED[room]?.join(', ') ?? '(unknown room)'}`;
}

describe('architecture', () => {
  it('has no import against the arrows', () => {
    const all = sources().flatMap(importsOf);
    assert.ok(all.length > 50, 'the walk found the imports');
    assert.deepEqual(all.map(breach).filter(Boolean), []);
  });

  it('would notice a breach', () => {
    const bad: Import[] = [
      { file: 'lib/bytes/reader.ts', target: '../runtime/index.ts', dynamic: false },
      { file: 'lib/server/server.ts', target: '../client/client.ts', dynamic: false },
      { file: 'lib/client/client.ts', target: '../../security-backends/native/backend.ts', dynamic: false },
      { file: 'security-backends/native/socket.ts', target: '../node-tls/index.ts', dynamic: false },
      { file: 'security-backends/native/socket.ts', target: 'node:dgram', dynamic: false },
      { file: 'lib/coap/codec.ts', target: '@noble/hashes/sha2.js', dynamic: false },
      { file: 'lib/index.ts', target: '../security-backends/openssl/index.ts', dynamic: false },
      { file: 'lib/attic/x.ts', target: '../bytes/index.ts', dynamic: false },
    ];
    for (const each of bad) assert.ok(breach(each), `${each.file} → ${each.target}`);
  });

  it('lists every room there is', () => {
    const rooms = new Set(sources().map(roomOf));
    for (const room of rooms) assert.ok(ROOTS.has(room) || room in ALLOWED, `${room} is in the table`);
  });
});
