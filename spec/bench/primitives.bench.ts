// What a handshake is made of, and CBC records, by every provider that has it: noble beside node:crypto.

import { type KeyObject, generateKeyPairSync } from 'node:crypto';
import {
  CBC_KEY_LENGTH,
  CBC_NAMES,
  type CryptoProvider,
  NAMED_GROUPS,
  type NamedGroup,
  SIGNATURE_PARAMETERS,
  SIGNATURE_SCHEMES,
  type SignatureScheme,
  type SigningKeyAlgorithm,
  loadNobleProvider,
  nodeProvider,
} from '../../lib/crypto/index.ts';
import { SeededRandom } from '../../lib/runtime/index.ts';
import { type BenchResult, microseconds } from './bench.ts';

const PROVIDERS = [nodeProvider, await loadNobleProvider()] as const;
const RECORDS = [64, 256, 512, 1024] as const; // bytes
const MESSAGE = 133; // bytes: both randoms, curve, point (RFC 8422 §5.4)
const KEYS: Readonly<Record<SigningKeyAlgorithm, { readonly spki: Uint8Array; readonly pkcs8: Uint8Array }>> = {
  'ec-p256': exported(generateKeyPairSync('ec', { namedCurve: 'P-256' })),
  'ec-p384': exported(generateKeyPairSync('ec', { namedCurve: 'P-384' })),
  ed25519: exported(generateKeyPairSync('ed25519')),
  rsa: exported(generateKeyPairSync('rsa', { modulusLength: 2048 })),
};

export async function run(): Promise<readonly BenchResult[]> {
  return [
    ...rows(NAMED_GROUPS, 'generate', (provider, group) => {
      const random = new SeededRandom(1);
      return () => void provider.keyAgreement(group).generate(random);
    }),
    ...rows(NAMED_GROUPS, 'agree', agree),
    ...rows(SIGNATURE_SCHEMES, 'sign, key prepared', (provider, scheme) => {
      const key = provider.signingKey(KEYS[SIGNATURE_PARAMETERS[scheme].key].pkcs8);
      const message = new SeededRandom(1).bytes(MESSAGE);
      return () => void key.sign(scheme, message);
    }),
    ...rows(SIGNATURE_SCHEMES, 'sign', (provider, scheme) => {
      const { pkcs8 } = KEYS[SIGNATURE_PARAMETERS[scheme].key];
      const message = new SeededRandom(1).bytes(MESSAGE);
      return () => void provider.sign(scheme, pkcs8, message);
    }),
    ...rows(SIGNATURE_SCHEMES, 'verify', verify),
    ...RECORDS.flatMap((size) =>
      rows(CBC_NAMES, `encrypt and decrypt ${size} B`, (provider, name) => {
        const random = new SeededRandom(1);
        const cbc = provider.cbc(name, random.bytes(CBC_KEY_LENGTH[name]));
        const [iv, plaintext] = [random.bytes(16), random.bytes(size)];
        return () => void cbc.decrypt(iv, cbc.encrypt(iv, plaintext));
      }),
    ),
  ];
}

function agree(provider: CryptoProvider, group: NamedGroup): () => void {
  const [ours, theirs] = [1, 2].map((seed) => provider.keyAgreement(group).generate(new SeededRandom(seed)));
  return () => {
    if (ours!.agree(theirs!.publicKey) === undefined) throw new Error(`${group} of ${provider.name} does not agree`);
  };
}

function verify(provider: CryptoProvider, scheme: SignatureScheme): () => void {
  const { pkcs8, spki } = KEYS[SIGNATURE_PARAMETERS[scheme].key];
  const message = new SeededRandom(1).bytes(MESSAGE);
  const signature = provider.sign(scheme, pkcs8, message);
  return () => {
    if (!provider.verify(scheme, spki, message, signature)) throw new Error(`${scheme} of ${provider.name} refuses`);
  };
}

/** One row for each primitive and provider that has it. */
function rows<P extends NamedGroup | SignatureScheme | (typeof CBC_NAMES)[number]>(
  primitives: readonly P[],
  what: string,
  operation: (provider: CryptoProvider, primitive: P) => () => void,
): BenchResult[] {
  const label = (primitive: P, provider: CryptoProvider): string => `${primitive} ${what}, ${provider.name}`;
  return primitives.flatMap((primitive) =>
    PROVIDERS.filter((provider) => provider.primitives.has(primitive)).map((provider) => ({
      name: label(primitive, provider),
      value: microseconds(operation(provider, primitive)),
      unit: 'µs',
      ratioTo: provider === nodeProvider ? undefined : label(primitive, nodeProvider),
    })),
  );
}

function exported({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): {
  spki: Uint8Array;
  pkcs8: Uint8Array;
} {
  return {
    spki: publicKey.export({ type: 'spki', format: 'der' }),
    pkcs8: privateKey.export({ type: 'pkcs8', format: 'der' }),
  };
}
