// Whom a backend must not believe, and what it says then.

import {
  certificateChainFromBuffer,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
  rawPublicKeyFromBuffer,
} from '../../../crypto/index.ts';
import { utf8Encode } from '../../../bytes/index.ts';
import { TlsAlertError } from '../../errors.ts';
import type { Security } from '../../ssl-configuration.ts';
import { check, same, thrown } from '../expectation.ts';
import type { BackendCaseDefinition } from './case.ts';
import { IDENTITY, OTHER_KEY, clientSecurity, keyOf, serverSecurity } from './credentials.ts';
import type { Kind } from './fixture.ts';
import { IMPATIENT, type Stage } from './stage.ts';
import { SERVER, STRANGER } from './test-keys.ts';

const INTERNAL_ERROR = 80;
const HANDSHAKE_FAILURE = 40;
const UNKNOWN_PSK_IDENTITY = 115;

export const REFUSAL_CASES: readonly BackendCaseDefinition[] = [
  {
    name: 'wrong key',
    rule: 'with another pre-shared key connect rejects, the server sees no session, and nothing is left',
    needs: ['psk'],
    run: async (stage) => {
      const key = pskKeyFromBuffer(OTHER_KEY);
      await refusedWith(stage, { mode: 'psk', identity: pskIdentityFromBuffer(IDENTITY), key });
    },
  },
  {
    name: 'no anchors',
    rule: 'without anything to trust, every certificate is refused',
    needs: ['certificate'],
    run: async (stage) => {
      await refusedWith(stage, { ...clientSecurity('certificate'), mode: 'certificate', trustAnchors: undefined });
    },
  },
  {
    name: 'certificate of a stranger',
    rule: 'a certificate that leads to no anchor of ours is refused',
    needs: ['certificate'],
    run: async (stage) => {
      const trustAnchors = certificateChainFromBuffer(STRANGER.certificate);
      await refusedWith(stage, { ...clientSecurity('certificate'), mode: 'certificate', trustAnchors });
    },
  },
  {
    name: 'certificate for another name',
    rule: 'a certificate that is good, but for another name than the one asked for, is refused',
    needs: ['certificate'],
    run: async (stage) => {
      const { listener } = await stage.listening({ security: serverSecurity('certificate') });
      const client = stage.client({
        ...IMPATIENT,
        security: clientSecurity('certificate'),
        serverName: 'other.example',
      });
      await stage.refused(client, listener);
    },
  },
  {
    name: 'raw public key of a stranger',
    rule: 'a raw public key that is not among those configured is refused',
    needs: ['rawPublicKey'],
    run: async (stage) => {
      const serverKeys = rawPublicKeyFromBuffer(STRANGER.publicKey);
      await refusedWith(stage, { ...clientSecurity('rawPublicKey'), mode: 'rawPublicKey', serverKeys } as Security);
    },
  },
  {
    name: 'credential kinds never crossed',
    rule: 'a configuration of one kind never completes a handshake of another, even if it names its suites',
    needs: ['twoKinds'],
    run: async (stage) => {
      const { ciphersuites } = stage.backend.capabilities;
      for (const ours of stage.kinds) {
        for (const theirs of stage.kinds.filter((kind) => kind !== ours)) {
          const { listener } = await stage.listening({ security: serverSecurity(theirs) });
          const client = stage.client({ ...IMPATIENT, security: clientSecurity(ours), ciphersuites });
          await stage.refused(client, listener);
        }
      }
    },
  },
  {
    name: 'alert of the handshake',
    rule: 'an alert that ends the handshake is a TlsAlertError, received, with its description',
    needs: ['psk'],
    run: async (stage) => {
      const { listener } = await stage.listening({
        security: { mode: 'psk', lookup: keyOf, unknownIdentity: 'alert' },
      });
      const identity = pskIdentityFromBuffer(utf8Encode('stranger'));
      const client = stage.client({
        ...IMPATIENT,
        security: { ...clientSecurity('psk'), mode: 'psk', identity } as Security,
      });
      const error = await stage.refused(client, listener);
      check(error instanceof TlsAlertError, `connect: expected a TlsAlertError, found ${error.message}`);
      same(error.direction, 'received', 'direction');
      const known = [UNKNOWN_PSK_IDENTITY, HANDSHAKE_FAILURE].includes(error.description);
      check(known, `description: expected 115 (RFC 4279 §2) or 40, found ${error.description}`);
    },
  },
  {
    name: 'alert of a connection',
    rule: 'a fatal alert closes the socket, `closed` is told of it, and what is called later says why',
    needs: ['alerts'],
    run: async (stage) => {
      const { client, session } = await stage.pair();
      const watch = stage.watch(client);
      stage.peer.abort?.(session, INTERNAL_ERROR);
      await watch.until(() => watch.closed.length > 0);
      const [cause] = watch.closed;
      check(cause instanceof TlsAlertError, `closed: expected a TlsAlertError, found ${String(cause)}`);
      same(cause.direction, 'received', 'direction');
      same(cause.description, INTERNAL_ERROR, 'description');
      same(thrown(() => client.send(Uint8Array.of(1)), 'EBADF', 'send').cause, cause, 'cause of EBADF');
      await stage.nothingLeft(client);
    },
  },
  {
    name: 'DANE',
    rule: "a TLSA record of the server's own key lets it in without anchors; a record of another key refuses it",
    needs: ['dane', 'certificate'],
    run: async (stage) => {
      const { listener } = await stage.listening({ security: serverSecurity('certificate') });
      const security = {
        ...clientSecurity('certificate'),
        mode: 'certificate',
        trustAnchors: undefined,
        dane: true,
      } as const;
      const record = { usage: 3, selector: 1, matchingType: 0 } as const;
      const good = { ...record, associationData: SERVER.publicKey };
      await stage.join(stage.client({ security, daneTlsaRecords: [good] }), listener);
      const later = stage.client({ security });
      later.setOption('daneTlsaRecords', [good]);
      const session = await stage.join(later, listener);
      session.close();
      later.close();
      for (const { socket } of stage.lowers) socket.close();
      const bad = stage.client({ ...IMPATIENT, security });
      bad.setOption('daneTlsaRecords', [{ ...record, associationData: STRANGER.publicKey }]);
      await stage.refused(bad, listener);
    },
  },
];

/** Checks that a client of this security does not get in where `clientSecurity` of its kind would. */
async function refusedWith<S extends Kind<S>>(stage: Stage<S>, security: Security): Promise<void> {
  const { listener } = await stage.listening({ security: serverSecurity(security.mode) });
  const error = await stage.refused(stage.client({ ...IMPATIENT, security }), listener);
  same(error.fatal, true, 'fatal');
}
