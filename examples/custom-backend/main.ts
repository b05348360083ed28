// Runs a chapter: `node --import tsx examples/custom-backend/main.ts 2`. Its servers are in this process.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';
import { fromHex, tcpSocket, udpSocket, utf8Decode, utf8Encode } from '../../lib/index.ts';
import type { SessionStore } from '../../lib/index.ts';
import { milliseconds } from '../../lib/runtime/index.ts';
import { securities, startServer } from '../security-object/servers.ts';
import { credential } from '../security-object/visit.ts';
import { stub } from './1-stub.ts';
import { psk } from './2-psk.ts';
import { buffered } from './3-buffers-and-mtu.ts';
import { resuming } from './4-resumption.ts';
import { configured } from './5-configuration.ts';
import { certified } from './6-certificates.ts';
import { chained } from './7-chains-and-dane.ts';
import { overTcp } from './8-tcp.ts';
import { finished } from './9-connection-id-and-alerts.ts';
import { HOST, PSK, certificate, converse, echoServer, environment, register } from './stage.ts';

const datagramSocket = udpSocket;

const CHAPTERS: Readonly<Record<string, () => Promise<void>>> = {
  1: () => registration('chapter 1', stub),
  2: () => registration('chapter 2', psk),

  async 3() {
    await registration('chapter 3', buffered);
    const server = await echoServer('psk');
    const sizes = await converse(buffered({ datagramSocket }), server.port, { security: PSK }, (socket) => {
      const [mtu, innerMtu] = [socket.getOption('mtu'), socket.getOption('innerMtu')];
      return `mtu ${mtu}, innerMtu ${innerMtu}; one byte more: ${refusal(() => socket.send(new Uint8Array(innerMtu + 1)))}`;
    });
    console.log(`chapter 3: ${sizes}`);
    server.close();
  },

  async 4() {
    const server = await echoServer('psk', { resumption: true });
    const sessionStore = memory();
    for (const life of ['first', 'second']) {
      const told = await converse(
        resuming({ datagramSocket }),
        server.port,
        { security: PSK, sessionStore },
        (socket) => (socket.getOption('sessionResumed') ? 'resumed' : 'by a full handshake'),
      );
      console.log(`chapter 4: ${life}: ${told}`);
    }
    server.close();
  },

  async 5() {
    const backend = configured({ datagramSocket });
    const server = await echoServer('psk');
    const wishes = {
      security: PSK,
      ciphersuites: [0x00a8],
      serverName: 'server.example',
      additionalConfiguration: (native: unknown) => {
        const { serverName } = native as { readonly serverName?: string };
        console.log(`chapter 5: the stack asks for ${serverName}`);
      },
    };
    const told = await converse(backend, server.port, wishes, (socket) => {
      const suite = socket.getOption('negotiated')?.ciphersuite ?? 0;
      return `suite 0x${suite.toString(16).padStart(4, '0')}`;
    });
    console.log(`chapter 5: ${told}`);
    server.close();
    const handshakeTimeouts = { min: milliseconds(50), max: milliseconds(100) };
    const nobody = await converse(backend, 9, { security: PSK, handshakeTimeouts, handshakeTries: 3 });
    console.log(`chapter 5: nobody there: ${nobody}`);
    console.log(
      `chapter 5: TLS 1.3: ${refusal(() => backend.createSocket({ security: PSK, versions: ['TLS1.3'] }, environment))}`,
    );
  },

  async 6() {
    const { server, uri } = await startServer(securities().certificate);
    await register('chapter 6: trusting its authority', certified, uri, certificate('ca.pem'));
    await register('chapter 6: trusting another', certified, uri, certificate('stranger.pem'));
    server.close();
  },

  async 7() {
    const server = await echoServer('certificate');
    const publicKey = pemBytes(readFileSync(credential('server.pub'), 'utf8'));
    for (const [title, key] of [
      ["the server's key", publicKey],
      ['another key', new Uint8Array(91)],
    ] as const) {
      const associationData = createHash('sha256').update(key).digest();
      const record = { usage: 3, selector: 1, matchingType: 1, associationData } as const;
      const security = { ...certificate('ca.pem'), trustAnchors: undefined, dane: true };
      const told = await converse(chained({ datagramSocket }), server.port, { security, daneTlsaRecords: [record] });
      console.log(`chapter 7: TLSA record of ${title}: ${told}`);
    }
    server.close();
  },

  async 8() {
    const key = fromHex(readFileSync(credential('psk.hex'), 'utf8').trim());
    const pskCallback = (_socket: unknown, identity: string): Uint8Array | null =>
      identity === 'sensor-1' ? key : null;
    const server = createServer({ ciphers: 'TLS_AES_128_GCM_SHA256', pskCallback }, (peer) => peer.pipe(peer));
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    {
      await using socket = overTcp({ streamSocket: tcpSocket }).createSocket({ security: PSK }, environment);
      await socket.connect(HOST, port);
      socket.send(utf8Encode('hello'));
      const heard = utf8Decode((await socket.next()) ?? new Uint8Array(0));
      console.log(`chapter 8: heard "${heard}" over ${socket.getOption('negotiated')?.version}`);
    }
    server.close();
  },

  async 9() {
    const backend = finished({ datagramSocket });
    const server = await echoServer('psk', { connectionId: true });
    const told = await converse(backend, server.port, { security: PSK, connectionId: true }, (socket) => {
      const bytes = socket.getOption('negotiated')?.connectionId?.peer.length ?? 0;
      return `each record bears an id of ${bytes} bytes`;
    });
    console.log(`chapter 9: ${told}`);
    server.close();
    const strict = await echoServer('psk', {
      security: { mode: 'psk', lookup: () => undefined, unknownIdentity: 'alert' },
    });
    const alert = await converse(backend, strict.port, { security: PSK });
    console.log(`chapter 9: a server that does not know us: ${alert}`);
    strict.close();
    await registration('chapter 9', finished);
  },
};

async function registration(title: string, make: Parameters<typeof register>[1]): Promise<void> {
  const { server, uri } = await startServer(securities().psk);
  await register(title, make, uri, PSK);
  server.close();
}

function refusal(call: () => unknown): string {
  try {
    return String(call());
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** For a process: sessions that outlive it belong where keys belong. */
function memory(): SessionStore {
  const sessions = new Map<string, Uint8Array>();
  return {
    load: (key) => sessions.get(key)?.slice(),
    save: (key, session) => void sessions.set(key, session.slice()),
    remove: (key) => void sessions.delete(key),
  };
}

function pemBytes(pem: string): Uint8Array {
  return Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
}

const [chapter = ''] = process.argv.slice(2);
const run = CHAPTERS[chapter];
if (run === undefined) {
  console.error('which chapter? 1 to 9');
  process.exitCode = 1;
} else await run();
