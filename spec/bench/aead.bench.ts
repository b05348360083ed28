// Seal and open of one record: every AEAD in use, every provider, 13 bytes of additional data as DTLS 1.2 has.

import {
  AEAD_NAMES,
  AEAD_PARAMETERS,
  type AeadName,
  type CryptoProvider,
  defaultProvider,
  loadNobleProvider,
  nodeProvider,
} from '../../lib/crypto/index.ts';
import { SeededRandom } from '../../lib/runtime/index.ts';
import { type BenchResult, microseconds } from './bench.ts';

const SIZES = [16, 64, 256, 1024] as const; // bytes of plaintext
const ADDITIONAL_DATA = 13; // RFC 5246 §6.2.3.3
const PROVIDERS = [nodeProvider, await loadNobleProvider(), defaultProvider()] as const;

export async function run(): Promise<readonly BenchResult[]> {
  return AEAD_NAMES.flatMap((name) => SIZES.flatMap((size) => PROVIDERS.map((provider) => row(provider, name, size))));
}

function row(provider: CryptoProvider, name: AeadName, size: number): BenchResult {
  const random = new SeededRandom(size);
  const aead = provider.aead(name, random.bytes(AEAD_PARAMETERS[name].keyLength));
  const nonce = random.bytes(12);
  const additionalData = random.bytes(ADDITIONAL_DATA);
  const plaintext = random.bytes(size);
  const value = microseconds(() => {
    const opened = aead.open(nonce, additionalData, aead.seal(nonce, additionalData, plaintext));
    if (opened === undefined) throw new Error(`${name} of ${provider.name} does not open what it sealed`);
  });
  aead.destroy();
  const ratioTo = provider === nodeProvider ? undefined : label(name, size, nodeProvider);
  return { name: label(name, size, provider), value, unit: 'µs', ratioTo };
}

function label(name: AeadName, size: number, provider: CryptoProvider): string {
  return `${name} ${size} B, ${provider.name}`;
}
