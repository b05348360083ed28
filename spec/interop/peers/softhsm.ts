// SoftHSM, a PKCS#11 token in software: keys are made in it by OpenSC's pkcs11-tool, and used through the package pkcs11js.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { PEERS_DIRECTORY, PeerMissing, program, versionOf } from './install.ts';
import { run } from './process.ts';

const PKCS11JS = '2.1.7';
const DIRECTORY = path.join(PEERS_DIRECTORY, `pkcs11js-${PKCS11JS}`);
const ENTRY = path.join(DIRECTORY, 'node_modules', 'pkcs11js', 'index.js');
const LIBRARIES = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/local/lib/softhsm/libsofthsm2.so'];
const INSTALL_LIMIT_MS = 300_000;
const BUILT = path.join(DIRECTORY, 'node_modules', 'pkcs11js', 'build', 'Release', 'pkcs11.node');

/** For a module specifier. */
export const PKCS11JS_ENTRY = pathToFileURL(ENTRY).href;

/** SoftHSM with the tool and the package to use it. @returns its version @throws PeerMissing */
export async function findSoftHsm(): Promise<string> {
  const util = await program('softhsm2-util', 'softhsm2');
  await program('pkcs11-tool', 'opensc');
  if (softHsmLibrary() === undefined) throw new PeerMissing('softhsm2 has no libsofthsm2.so where it is looked for');
  await buildPkcs11js();
  return versionOf(util, ['--version'], /^\d+\.\d+\.\d+/);
}

function softHsmLibrary(): string | undefined {
  return LIBRARIES.find((library) => existsSync(library));
}

/** From source, with the headers that came with this Node: nothing else is fetched than the package itself. */
async function buildPkcs11js(): Promise<void> {
  if (existsSync(BUILT)) return;
  const prefix = path.resolve(process.execPath, '../..');
  const nodedir = [prefix, '/usr'].find((each) => existsSync(path.join(each, 'include', 'node', 'node_api.h')));
  if (nodedir === undefined) throw new PeerMissing('pkcs11js needs the headers of this Node to be built');
  mkdirSync(DIRECTORY, { recursive: true });
  const args = ['install', '--no-audit', '--no-fund', '--prefix', DIRECTORY, `pkcs11js@${PKCS11JS}`];
  const installed = await run('npm', args, { env: { npm_config_nodedir: nodedir }, limit: INSTALL_LIMIT_MS });
  if (existsSync(BUILT)) return;
  throw new PeerMissing(`npm install pkcs11js: ${installed.output.trim().slice(-200)}`);
}

/** A token of its own, in a directory that `remove` takes away. Only one at a time: its library asks the environment. */
export class SoftHsm {
  readonly library: string;
  readonly token = 'devices';
  readonly pin = '1234';
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'lwm2m-softhsm-'));

  private constructor(library: string) {
    this.library = library;
    const tokens = path.join(this.#directory, 'tokens');
    const configuration = path.join(this.#directory, 'softhsm2.conf');
    mkdirSync(tokens);
    writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
    process.env['SOFTHSM2_CONF'] = configuration;
  }

  static async start(): Promise<SoftHsm> {
    const hsm = new SoftHsm(softHsmLibrary()!);
    await expectDone(
      'softhsm2-util',
      '--init-token',
      '--free',
      '--label',
      hsm.token,
      '--so-pin',
      '5678',
      '--pin',
      hsm.pin,
    );
    return hsm;
  }

  /** Makes a key of the curve P-256 in the token, from where it cannot be taken. */
  async generateKey(label: string): Promise<void> {
    await this.#tool('--keypairgen', '--key-type', 'EC:prime256v1', '--label', label, '--id', '01');
  }

  /** @param file of the certificate, DER */
  async addCertificate(label: string, file: string): Promise<void> {
    await this.#tool('--write-object', file, '--type', 'cert', '--label', label);
  }

  /** What the token itself says of its private keys. */
  privateKeys(): Promise<string> {
    return this.#tool('--list-objects', '--type', 'privkey');
  }

  remove(): void {
    delete process.env['SOFTHSM2_CONF'];
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #tool(...args: readonly string[]): Promise<string> {
    const login = ['--module', this.library, '--token-label', this.token, '--login', '--pin', this.pin];
    return expectDone('pkcs11-tool', ...login, ...args);
  }
}

async function expectDone(command: string, ...args: readonly string[]): Promise<string> {
  const { code, output } = await run(command, args);
  if (code !== 0) throw new Error(`${command} failed: ${output}`);
  return output;
}
