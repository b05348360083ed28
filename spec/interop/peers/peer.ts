// Which peers a suite needs, and what happens when one is not there: a line in the smoke run, a failure in the whole matrix.

import { PeerMissing, leshanClassPath, leshanVersion, program, versionOf } from './install.ts';
import { findSoftHsm } from './softhsm.ts';

/** True in the smoke run (`INTEROP=smoke`), which takes the short way through each suite. */
export const smoke = process.env['INTEROP'] === 'smoke';

export type PeerName = 'openssl' | 'gnutls' | 'libcoap' | 'tshark' | 'leshan' | 'softhsm';

/** Each gives the version it found, or throws PeerMissing. */
const FINDERS: Readonly<Record<PeerName, () => Promise<string>>> = {
  openssl: async () => versionOf(await program('openssl', 'openssl'), ['version'], /OpenSSL \S+/),
  gnutls: async () => versionOf(await program('gnutls-serv', 'gnutls-bin'), ['--version'], /gnutls-serv \S+/),
  libcoap: async () => versionOf(await program('coap-client-openssl', 'libcoap3-bin'), ['-?'], /v\d+\.\d+\.\d+/),
  tshark: async () => versionOf(await program('tshark', 'tshark'), ['--version'], /\d+\.\d+\.\d+/),
  leshan: async () => {
    await leshanClassPath();
    return leshanVersion();
  },
  softhsm: findSoftHsm,
};

const found = new Map<PeerName, Promise<string | PeerMissing>>();

function find(name: PeerName): Promise<string | PeerMissing> {
  const known = found.get(name);
  if (known !== undefined) return known;
  const search = FINDERS[name]().then(
    (version) => {
      console.log(`    ${name}: ${version}`);
      return version;
    },
    (error: unknown) => {
      if (!(error instanceof PeerMissing)) throw error;
      console.log(`not run: ${name} (${error.message})`);
      return error;
    },
  );
  found.set(name, search);
  return search;
}

/** To be called inside `describe`: its cases run only beside these peers. */
export function needs(...names: readonly PeerName[]): void {
  before(async function () {
    this.timeout(600_000); // the first use may install
    for (const name of names) {
      const outcome = await find(name);
      if (!(outcome instanceof PeerMissing)) continue;
      if (smoke) this.skip();
      throw outcome;
    }
  });
}
