// What becomes of credentials: copied when the socket is made, and never told.

import { toBase64, toHex } from '../../../bytes/index.ts';
import {
  certificateChainFromBuffer,
  privateKeyFromBuffer,
  pskIdentityFromBuffer,
  pskKeyFromBuffer,
} from '../../../crypto/index.ts';
import { check, same } from '../expectation.ts';
import type { Security } from '../../ssl-configuration.ts';
import type { BackendCaseDefinition } from './case.ts';
import { IDENTITY, KEY, OTHER_KEY, clientSecurity, serverSecurity } from './credentials.ts';
import { IMPATIENT } from './stage.ts';
import { AUTHORITY, CLIENT } from './test-keys.ts';

export const SECRECY_CASES: readonly BackendCaseDefinition[] = [
  {
    name: 'credentials are copied',
    rule: 'what happens to the bytes of a credential after the socket was made does not matter to it',
    needs: ['psk'],
    run: async (stage) => {
      const [identity, key] = [IDENTITY.slice(), KEY.slice()];
      const security = { mode: 'psk', identity: pskIdentityFromBuffer(identity), key: pskKeyFromBuffer(key) } as const;
      const { listener } = await stage.listening({ security: serverSecurity('psk') });
      const client = stage.client({ security });
      identity.fill(0);
      key.fill(0);
      await stage.join(client, listener);
    },
  },
  {
    name: 'certificates are copied',
    rule: 'what happens to the bytes of anchor, certificate and key after the socket was made does not matter to it',
    needs: ['certificate'],
    run: async (stage) => {
      const [anchor, leaf, key] = [AUTHORITY.certificate.slice(), CLIENT.certificate.slice(), CLIENT.key.slice()];
      const { listener } = await stage.listening({ security: serverSecurity('certificate') });
      const client = stage.client({
        security: {
          mode: 'certificate',
          trustAnchors: certificateChainFromBuffer(anchor),
          clientChain: certificateChainFromBuffer(leaf),
          clientKey: privateKeyFromBuffer(key),
        },
      });
      for (const bytes of [anchor, leaf, key]) bytes.fill(0);
      await stage.join(client, listener);
    },
  },
  {
    name: 'our own certificate is told',
    rule: 'onOwnCertificate is given the leaf when the socket is made, as bytes of its own',
    needs: ['certificate'],
    run: async (stage) => {
      const told: Uint8Array[] = [];
      const onOwnCertificate = (certificate: Uint8Array): void => void told.push(certificate);
      const client = stage.client({ security: clientSecurity('certificate'), onOwnCertificate });
      same(told.length, 1, 'certificates told');
      same(told[0], CLIENT.certificate, 'certificate');
      told[0]?.fill(0);
      const { listener } = await stage.listening({ security: serverSecurity('certificate') });
      await stage.join(client, listener);
    },
  },
  {
    name: 'the configuration is copied',
    rule: 'what happens to the configuration after the socket was made does not matter to it',
    run: async (stage) => {
      const { listener } = await stage.listening();
      const configuration: { security: Security; serverName?: string } = { security: clientSecurity(stage.kind) };
      const client = stage.client(configuration);
      configuration.security = {
        mode: 'psk',
        identity: pskIdentityFromBuffer(IDENTITY),
        key: pskKeyFromBuffer(OTHER_KEY),
      };
      configuration.serverName = 'other.example';
      await stage.join(client, listener);
    },
  },
  {
    name: 'secrets are not printed',
    rule: 'no key is in a log line, an error or the text of a socket, whether the handshake succeeds or fails',
    run: async (stage) => {
      const printed: unknown[] = [];
      for (const kind of stage.kinds) {
        const { listener } = await stage.listening({ security: serverSecurity(kind) });
        const client = stage.client({ security: clientSecurity(kind) });
        await stage.join(client, listener);
        printed.push(JSON.stringify(client, withoutBigints), textOf(client), client.getOption('negotiated'));
        client.close();
        printed.push(textOf(client));
        const failing = stage.client({ ...IMPATIENT, security: clientSecurity(kind) });
        printed.push(await stage.fails(failing.connect(stage.peer.host, await stage.peer.deadPort())), textOf(failing));
      }
      checkNoSecret([...printed, ...stage.environment.logged]);
    },
  },
];

/** @throws ConformanceError naming no secret if one of the cases' keys is in what was printed */
export function checkNoSecret(printed: readonly unknown[]): void {
  const text = textOf(printed);
  for (const [name, secret] of [
    ['the pre-shared key', KEY],
    ["the client's private key", CLIENT.key.subarray(36, 68)], // the number itself within PKCS#8 (RFC 5915 §3)
  ] as const) {
    for (const [form, found] of formsOf(secret)) check(!text.includes(found), `${name} is printed (${form})`);
  }
}

function formsOf(secret: Uint8Array): readonly (readonly [string, string])[] {
  return [
    ['hexadecimal', toHex(secret)],
    ['base64', toBase64(secret).replaceAll('=', '')],
    ['numbers', [...secret].join()],
    ['characters', String.fromCharCode(...secret)],
  ];
}

function withoutBigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

/** Everything that is reachable by public properties, as text; bytes as numbers, hexadecimal in lower case. */
function textOf(value: unknown, seen = new Set<object>()): string {
  if (value instanceof Uint8Array) return [...value].join();
  if (typeof value !== 'object' || value === null) return String(value);
  if (seen.has(value)) return '';
  seen.add(value);
  const parts = value instanceof Map || value instanceof Set ? [...value] : [];
  const own = Object.getOwnPropertyNames(value).map(
    (name) => Object.getOwnPropertyDescriptor(value, name)?.value as unknown,
  );
  return [...parts, ...own].map((part) => textOf(part, seen)).join('\n');
}
