// One store and several processes: what one has agreed on, the next resumes.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { serverSecurity } from '../../../lib/net/conformance/backend/credentials.ts';
import type { AnySocket, SecurityVersion } from '../../../lib/net/index.ts';
import { systemEnvironment } from '../../../lib/runtime/index.ts';
import { nativeDtls } from '../../../security-backends/native/index.ts';
import { udpSocket } from '../../../lib/net/node/index.ts';
import { tlsPeer } from '../node-tls/tls-peer.ts';
import { describeOpenSsl } from './available.ts';

const EXTENSION = path.extname(import.meta.filename);
const SCRIPT = path.join(import.meta.dirname, `session-process${EXTENSION}`);
const LOADER = EXTENSION === '.ts' ? ['--import', 'tsx'] : [];

describeOpenSsl('OpenSSL: one session store and several processes', () => {
  let directory: string;
  let server: AnySocket | undefined;
  beforeEach(() => (directory = mkdtempSync(path.join(os.tmpdir(), 'openssl-sessions-'))));
  afterEach(() => {
    server?.close();
    rmSync(directory, { recursive: true });
  });

  for (const version of ['DTLS1.2', 'TLS1.2', 'TLS1.3'] as const) {
    it(`${version}: the second process resumes what the first has kept in a file of its own`, async () => {
      server = await echoing(version);
      assert.deepEqual([await device(version), await device(version)], ['a full handshake', 'resumed']);
      for (const entry of readdirSync(directory))
        assert.equal(statSync(path.join(directory, entry)).mode & 0o777, 0o600);
    });
  }

  async function device(version: SecurityVersion): Promise<string> {
    const program = [...LOADER, SCRIPT, version, String(server?.local?.port), directory];
    const { stdout } = await promisify(execFile)(process.execPath, program);
    return stdout.trim();
  }
});

/** A server that lets its clients resume and sends back what it hears. */
async function echoing(version: SecurityVersion): Promise<AnySocket> {
  const security = serverSecurity('psk');
  const server =
    version === 'DTLS1.2'
      ? nativeDtls({ datagramSocket: udpSocket }).createServer({ security, resumption: true }, systemEnvironment())
      : tlsPeer().server({ security, resumption: true });
  await server.bind('127.0.0.1', 0);
  void answer(server);
  return server;
}

async function answer(server: AnySocket): Promise<void> {
  try {
    for (;;) {
      const session = await server.accept();
      const bytes = await session.next();
      if (bytes !== null) session.send(bytes);
    }
  } catch {
    return; // closed
  }
}
