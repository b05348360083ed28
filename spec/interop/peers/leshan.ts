// Leshan's LwM2M server and client as peers. The server answers the REST interface of Leshan's demo, as far as it is used here.

import { fileURLToPath } from 'node:url';
import { EventReader } from './events.ts';
import { leshanClassPath } from './install.ts';
import { PeerProcess, startPeer, freeTcpPort, freeUdpPort } from './process.ts';

const MODELS = fileURLToPath(new URL('./leshan/models/', import.meta.url));
/** A small heap and the first compiler only: it is up sooner and leaves the machine to the rest. */
export const JAVA_OPTIONS = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

export interface LeshanLink {
  readonly url: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface LeshanRegistration {
  readonly endpoint: string;
  readonly registrationId: string;
  /** Milliseconds since 1970. */
  readonly lastUpdate: number;
  readonly lwM2mVersion: string;
  /** Seconds. */
  readonly lifetime: number;
  readonly bindingMode: string;
  readonly rootPath: string;
  readonly queuemode: boolean;
  readonly secure: boolean;
  readonly objectLinks: readonly LeshanLink[];
  readonly supportedContentFormats: readonly string[];
}

/** A node as the REST interface has it: numbers as strings, times in ms since 1970, opaque as hex. */
export type LeshanNode =
  | {
      readonly kind: 'singleResource' | 'resourceInstance';
      readonly id: number;
      readonly type: string;
      readonly value: unknown;
    }
  | {
      readonly kind: 'multiResource';
      readonly id: number;
      readonly type: string;
      readonly values: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'instance'; readonly id: number; readonly resources: readonly LeshanNode[] }
  | { readonly kind: 'obj'; readonly id: number; readonly instances: readonly LeshanNode[] };

export interface LeshanRoot {
  readonly kind: 'root';
  readonly objects: readonly LeshanNode[];
}

export interface LeshanResponse {
  /** E.g. `CONTENT(205)`. */
  readonly status: string;
  readonly success: boolean;
  readonly errormessage?: string;
  readonly content?: LeshanNode;
  readonly objectLinks?: readonly LeshanLink[];
}

/** By path; null where nothing is there. */
export type LeshanNodes = Readonly<Record<string, LeshanNode | LeshanRoot | null>>;

export interface LeshanCompositeResponse extends Omit<LeshanResponse, 'content'> {
  readonly content?: LeshanNodes;
}

export type LeshanFormat = 'TLV' | 'JSON' | 'TEXT' | 'OPAQUE' | 'CBOR' | 'SENML_JSON' | 'SENML_CBOR';

/** PEM files of a server with a certificate, whose key serves as its raw public key too. */
export interface LeshanCredentials {
  /** Leaf first. */
  readonly certificate: string;
  /** PKCS#8, EC. */
  readonly key: string;
  /** What device certificates lead to. */
  readonly trust: string;
}

/** A running server: free ports of loopback, an empty security store, one event stream. */
export class LeshanServer {
  readonly coapPort: number;
  readonly coapsPort: number;
  readonly coapTcpPort: number;
  /** There only with credentials: its TLS knows certificates alone. */
  readonly coapsTcpPort: number;
  readonly #process: PeerProcess;
  readonly #base: string;
  #events: EventReader | undefined;

  private constructor(
    peer: PeerProcess,
    ports: { coap: number; coaps: number; coapTcp: number; coapsTcp: number; http: number },
  ) {
    this.#process = peer;
    this.coapPort = ports.coap;
    this.coapsPort = ports.coaps;
    this.coapTcpPort = ports.coapTcp;
    this.coapsTcpPort = ports.coapsTcp;
    this.#base = `http://127.0.0.1:${ports.http}/api`;
  }

  static async start(credentials?: LeshanCredentials): Promise<LeshanServer> {
    const ports = {
      coap: await freeUdpPort(),
      coaps: await freeUdpPort(),
      coapTcp: await freeTcpPort(),
      coapsTcp: await freeTcpPort(),
      http: await freeTcpPort(),
    };
    const options = ['-lp', `${ports.coap}`, '-slp', `${ports.coaps}`, '-tp', `${ports.coapTcp}`];
    options.push('-wp', `${ports.http}`, '-m', MODELS);
    if (credentials !== undefined) {
      options.push('-cert', credentials.certificate, '-key', credentials.key, '-trust', credentials.trust);
      options.push('-tsp', `${ports.coapsTcp}`);
    }
    const args = [...JAVA_OPTIONS, '-cp', await leshanClassPath(), 'LeshanServerPeer', ...options];
    const peer = await startPeer('java', args, /^ready$/m, 60_000);
    const server = new LeshanServer(peer, ports);
    try {
      server.#events = await EventReader.open(`${server.#base}/event`);
    } catch (error) {
      await peer.stop();
      throw error;
    }
    return server;
  }

  get events(): EventReader {
    if (this.#events === undefined) throw new Error('the server is not started');
    return this.#events;
  }

  /** Lets a device in by its key (hex). */
  addPsk(endpoint: string, identity: string, key: string): Promise<void> {
    return this.#addSecurity(endpoint, { mode: 'psk', details: { identity, key } });
  }

  /** Lets a device in by its SubjectPublicKeyInfo (DER). */
  addRawPublicKey(endpoint: string, spki: Uint8Array): Promise<void> {
    return this.#addSecurity(endpoint, { mode: 'rpk', details: { key: Buffer.from(spki).toString('hex') } });
  }

  /** Lets a device in by a certificate of a trusted authority whose commonName is the endpoint's. */
  addX509(endpoint: string): Promise<void> {
    return this.#addSecurity(endpoint, { mode: 'x509' });
  }

  /** What devices know the server by, DER. */
  async ownSecurity(): Promise<{ readonly certificate: Uint8Array; readonly publicKey: Uint8Array }> {
    const response = await fetch(`${this.#base}/server/security`);
    if (!response.ok) throw new Error(`server/security: HTTP ${response.status} ${await response.text()}`);
    const told = (await response.json()) as Record<'certificate' | 'pubkey', { readonly b64Der: string }>;
    const decoded = ({ b64Der }: { readonly b64Der: string }): Uint8Array =>
      Uint8Array.from(Buffer.from(b64Der, 'base64'));
    return { certificate: decoded(told.certificate), publicKey: decoded(told.pubkey) };
  }

  /** The registration of an endpoint, or undefined. */
  async registration(endpoint: string): Promise<LeshanRegistration | undefined> {
    const response = await fetch(`${this.#base}/clients/${endpoint}`);
    if (response.status === 400) return undefined;
    return (await response.json()) as LeshanRegistration;
  }

  read(endpoint: string, path: string, format?: LeshanFormat): Promise<LeshanResponse> {
    return this.#call('GET', `${endpoint}${path}`, { format });
  }

  discover(endpoint: string, path: string): Promise<LeshanResponse> {
    return this.#call('GET', `${endpoint}${path}/discover`);
  }

  /** Replaces by default, as Leshan does. */
  write(
    endpoint: string,
    path: string,
    node: LeshanNode,
    options: { readonly format?: LeshanFormat; readonly replace?: boolean } = {},
  ): Promise<LeshanResponse> {
    const query = { format: options.format, replace: options.replace === undefined ? undefined : `${options.replace}` };
    return this.#call('PUT', `${endpoint}${path}`, query, JSON.stringify(node));
  }

  /** `args` as LwM2M writes them: `0='x',1`. */
  execute(endpoint: string, path: string, args = ''): Promise<LeshanResponse> {
    return this.#call('POST', `${endpoint}${path}`, {}, args);
  }

  /** An instance without id: the device chooses one. */
  create(
    endpoint: string,
    object: string,
    instance: { readonly id?: number; readonly resources: readonly LeshanNode[] },
    format?: LeshanFormat,
  ): Promise<LeshanResponse> {
    return this.#call('POST', `${endpoint}${object}`, { format }, JSON.stringify({ kind: 'instance', ...instance }));
  }

  delete(endpoint: string, path: string): Promise<LeshanResponse> {
    return this.#call('DELETE', `${endpoint}${path}`);
  }

  /** `attributes`: `{ pmin: '10' }`. */
  writeAttributes(
    endpoint: string,
    path: string,
    attributes: Readonly<Record<string, string>>,
  ): Promise<LeshanResponse> {
    return this.#call('PUT', `${endpoint}${path}/attributes`, attributes);
  }

  readComposite(endpoint: string, paths: readonly string[], format: LeshanFormat): Promise<LeshanCompositeResponse> {
    return this.#call('GET', `${endpoint}/composite`, composite(paths, format));
  }

  writeComposite(
    endpoint: string,
    nodes: Readonly<Record<string, LeshanNode>>,
    nodeformat: LeshanFormat,
  ): Promise<LeshanResponse> {
    return this.#call('PUT', `${endpoint}/composite`, { nodeformat }, JSON.stringify(nodes));
  }

  observeComposite(endpoint: string, paths: readonly string[], format: LeshanFormat): Promise<LeshanCompositeResponse> {
    return this.#call('POST', `${endpoint}/composite/observe`, composite(paths, format));
  }

  /** FETCH with Observe 1. */
  cancelObserveComposite(endpoint: string, paths: readonly string[]): Promise<LeshanCompositeResponse> {
    return this.#call('DELETE', `${endpoint}/composite/observe`, { paths: paths.join(',') });
  }

  observe(endpoint: string, path: string, format?: LeshanFormat): Promise<LeshanResponse> {
    return this.#call('POST', `${endpoint}${path}/observe`, { format });
  }

  /** `passive`: Reset to the next notification; `active`: GET with Observe 1. */
  cancelObserve(endpoint: string, path: string, how: 'passive' | 'active'): Promise<LeshanResponse> {
    return this.#call('DELETE', `${endpoint}${path}/observe`, how === 'active' ? { active: '' } : {});
  }

  async stop(): Promise<void> {
    this.#events?.close();
    await this.#process.stop();
  }

  async #addSecurity(endpoint: string, tls: object): Promise<void> {
    const body = JSON.stringify({ endpoint, tls });
    const response = await fetch(`${this.#base}/security/clients/`, { method: 'PUT', body });
    if (!response.ok) throw new Error(`security store: HTTP ${response.status} ${await response.text()}`);
  }

  async #call<R extends Omit<LeshanResponse, 'content'>>(
    method: string,
    path: string,
    query: Readonly<Record<string, string | undefined>> = {},
    body?: string,
  ): Promise<R> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const url = `${this.#base}/clients/${path}?${new URLSearchParams(given)}`;
    const response = await fetch(url, body === undefined ? { method } : { method, body });
    if (response.status !== 200) throw new Error(`${method} ${path}: HTTP ${response.status} ${await response.text()}`);
    return (await response.json()) as R;
  }
}

function composite(paths: readonly string[], format: LeshanFormat): Readonly<Record<string, string>> {
  return { paths: paths.join(','), pathformat: format, nodeformat: format };
}

/** Leshan's own client. `endInput` de-registers and ends it. */
export async function startLeshanClient(
  endpoint: string,
  uri: string,
  psk?: { readonly identity: string; readonly key: string },
): Promise<PeerProcess> {
  const credentials = psk === undefined ? [] : ['-i', psk.identity, '-p', psk.key];
  const args = ['-cp', await leshanClassPath(), 'LeshanClientPeer', '-n', endpoint, '-u', uri, ...credentials];
  return new PeerProcess('java', [...JAVA_OPTIONS, ...args]);
}
