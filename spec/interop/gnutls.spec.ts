// Our DTLS client against GnuTLS', in both suites.

import assert from 'node:assert/strict';
import { fromHex } from '../../lib/bytes/index.ts';
import { clientSocket, nextText, sendText } from './ours.ts';
import { startGnutlsServer } from './peers/gnutls.ts';
import { needs, smoke } from './peers/peer.ts';

const KEY = '000102030405060708090a0b0c0d0e0f';

if (!smoke) {
  describe('DTLS beside GnuTLS', () => {
    needs('gnutls');

    for (const [cipher, suite] of [
      ['AES-128-CCM-8', 0xc0a8],
      ['AES-128-GCM', 0x00a8],
    ] as const) {
      it(`${cipher}: our client shakes hands and its lines come back`, async () => {
        const server = await startGnutlsServer({ cipher, identity: 'someone', key: KEY });
        const socket = clientSocket('someone', fromHex(KEY));
        try {
          await socket.connect('127.0.0.1', server.port);
          assert.equal(socket.getOption('negotiated')?.ciphersuite, suite);
          for (const line of ['first\n', 'second\n']) {
            sendText(socket, line);
            assert.equal(await nextText(socket), line);
          }
        } finally {
          socket.close();
          await server.stop();
        }
      });
    }
  });
}
