// Records sessions with Scandium: what OpenSSL and GnuTLS have not, connection ids (RFC 9146, which has no test vectors) and
// two suites. Run: `node --import tsx spec/interop/record-scandium-sessions.ts`

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Session } from '../security-backends/native/recorded-session.ts';
import { leshanVersion } from './peers/install.ts';
import { startScandiumClient, startScandiumServer } from './peers/scandium.ts';
import { COMMON, FIXTURES, IDENTITY, type Open, PSK, asClient, asServer, noKey } from './recorder.ts';

interface Case {
  readonly suite: string;
  readonly id: number;
  /** Bytes of the ids that Scandium and we give out. */
  readonly ids?: { readonly theirs: number; readonly ours: string };
}

const CCM_8 = { suite: 'TLS_PSK_WITH_AES_128_CCM_8', id: 0xc0a8 } as const;
const CASES: readonly Case[] = [
  { ...CCM_8, ids: { theirs: 6, ours: '' } },
  { ...CCM_8, ids: { theirs: 0, ours: 'c1d2e3f4a5' } },
  { ...CCM_8, ids: { theirs: 6, ours: 'c1d2e3f4' } },
  { suite: 'TLS_PSK_WITH_AES_256_GCM_SHA384', id: 0x00a9, ids: { theirs: 8, ours: 'c1d2e3f4' } },
  { suite: 'TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256', id: 0xd001 },
  { suite: 'TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256', id: 0xd003 },
];

async function record({ suite, id, ids }: Case, version: string): Promise<readonly Session[]> {
  const credential = ['-i', IDENTITY, '-k', PSK];
  const options = { suite, credential, ...(ids && { connectionId: ids.theirs }) };
  const open = (role: 'client' | 'server'): Open => ({
    ...COMMON,
    role,
    suite: id,
    psk: PSK,
    identity: IDENTITY,
    groups: ['x25519', 'secp256r1', 'secp384r1'],
    ...(ids && { connectionId: ids.ours }),
    source: `Scandium of Leshan ${version}, ${suite}${ids ? `, connection ids of ${ids.theirs} bytes and ${ids.ours.length / 2} of ours` : ''}`,
  });
  const server = await startScandiumServer(options);
  return [
    await asClient({ open: open('client'), sign: noKey }, server, undefined),
    await asServer(
      { open: open('server'), sign: noKey },
      {
        bye: 'CLOSE',
        start: async (port) => {
          const client = await startScandiumClient({ ...options, port });
          client.writeLine('hello from the peer'); // begins the handshake
          return client;
        },
      },
    ),
  ];
}

const version = leshanVersion();
const sessions: Session[] = [];
for (const each of CASES) sessions.push(...(await record(each, version)));
writeFileSync(path.join(FIXTURES, 'scandium-sessions.json'), `${JSON.stringify(sessions, undefined, 1)}\n`);
console.log(`${sessions.length} sessions recorded`);
process.exit(0);
