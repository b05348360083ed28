// One case at work: the scripted server, the device that is registered with it, and the time between them.

import assert from 'node:assert/strict';
import type { LwM2mVersion } from '../../lib/client/index.ts';
import { VirtualTime } from '../../lib/runtime/index.ts';
import { FIXTURE_TIME } from '../crypto/fixtures/fixtures.ts';
import { type Configuration, TestDevice } from './device.ts';
import { FORMATS, type Format, type Links, type Values, readLinks, readPayload, senmlPack } from './payloads.ts';
import { type Heard, type Question, ScriptedServer, type Uplink, contentFormatOf } from './scripted-server.ts';
import type { TransportName } from './transport.ts';
import { OPTIONS, numbers } from './wire.ts';

/** The device's name. */
export const ENDPOINT = 'urn:dev:ops:32473-ets';

/** An observation that is being answered. */
export interface Observing {
  readonly token: string;
  /** What the response to the request said. */
  readonly values: Values;
}

interface Parts {
  readonly configuration: Configuration;
  readonly version: LwM2mVersion;
  readonly transport: TransportName;
  readonly device: TestDevice;
  readonly time: VirtualTime;
}

/** The device as one of its servers sees it. */
export class Session {
  readonly configuration: Configuration;
  readonly version: LwM2mVersion;
  readonly transport: TransportName;
  readonly device: TestDevice;
  readonly server: ScriptedServer;
  /** Of this server: 1, or more where the device has several. */
  readonly shortServerId: number;
  readonly #time: VirtualTime;
  #seenUplinks = 0;
  #observations = 0;

  private constructor(parts: Parts, server: ScriptedServer, shortServerId: number) {
    this.configuration = parts.configuration;
    this.version = parts.version;
    this.transport = parts.transport;
    this.device = parts.device;
    this.#time = parts.time;
    this.server = server;
    this.shortServerId = shortServerId;
  }

  /** A device of that configuration, turned on: as each of its servers sees it. */
  static async open(
    configuration: Configuration,
    version: LwM2mVersion,
    transport: TransportName,
  ): Promise<readonly [Session, ...Session[]]> {
    const time = new VirtualTime(FIXTURE_TIME);
    const listening = Array.from({ length: configuration.servers ?? 1 }, () =>
      ScriptedServer.listen(transport, () => time.now() / 1_000, configuration.credentials?.server),
    );
    const servers = await Promise.all(listening);
    const uris = servers.map(({ uri }) => uri);
    const device = new TestDevice({ configuration, version, uris, time, endpoint: ENDPOINT });
    const parts = { configuration, version, transport, device, time };
    await device.turnOn();
    const [first, ...others] = servers.map((server, at) => new Session(parts, server, at + 1));
    return [first!, ...others];
  }

  /** Turns the device off without a word, and the server too. */
  async close(): Promise<void> {
    await this.device.client.stop({ deregister: false });
    this.server.close();
  }

  /** The next request of the client, which may be on its way. */
  async uplink(): Promise<Uplink> {
    await this.#time.advance(0);
    await this.server.until(() => this.server.uplinks.length > this.#seenUplinks);
    const request = this.server.uplinks[this.#seenUplinks++]!;
    await this.server.caughtUp(); // the client has its answer, too
    return request;
  }

  /** The client says no more than has been looked at. */
  async noUplink(): Promise<void> {
    await this.elapse(0);
    assert.deepEqual(
      this.server.uplinks.slice(this.#seenUplinks).map(({ method, path }) => `${method} ${path}`),
      [],
      'requests of the client',
    );
  }

  /** Lets seconds pass for the device, `step` by `step`; what it says then is here afterwards, timed by its step. */
  async elapse(seconds: number, step = 1): Promise<void> {
    await this.#time.advance(0);
    await this.server.caughtUp();
    for (let passed = 0; passed < seconds; passed += step) {
      await this.#time.advance(step * 1_000);
      await this.server.caughtUp();
    }
  }

  /** Seconds since the device was turned on. */
  get now(): number {
    return this.#time.now() / 1_000;
  }

  /** Asks, and expects that code in answer. */
  async ask(code: string, question: Question): Promise<Heard> {
    const response = await this.server.ask(question);
    const { method, path } = question;
    const said = response.code.startsWith('2.') ? '' : ` ${Buffer.from(response.payload).toString('utf8')}`;
    assert.equal(response.code, code, `${method} ${path}${said}`);
    assert.deepEqual(numbers(response.options, OPTIONS.block2), [], 'an answer in one piece');
    return response;
  }

  /** Reads and expects 2.05; `accept` is what the answer must then be in. */
  async read(path: string, accept?: Format): Promise<Values> {
    const response = await this.ask('2.05', { method: 'GET', path, accept });
    return this.valuesOf(response, path, accept);
  }

  /** Read-Composite of these paths, both ways in one format. */
  async readComposite(paths: readonly string[], format: Format): Promise<Values> {
    const response = await this.ask('2.05', { ...composite(paths, format), accept: format });
    return this.valuesOf(response, '/', format);
  }

  /** What an answer or a notification says. `expected`: the formats it may be in, default any. */
  valuesOf(response: Heard, path: string, expected?: Format | readonly Format[]): Values {
    const format = contentFormatOf(response);
    assert.ok(format !== undefined, 'a payload with its Content-Format');
    const allowed = expected === undefined ? [format] : [expected].flat();
    assert.ok(allowed.includes(format as Format), `Content-Format ${format}, expected ${allowed.join(' or ')}`);
    return readPayload(format, path, response.payload);
  }

  /** Writes and expects 2.04. */
  async write(method: 'PUT' | 'POST' | 'iPATCH', path: string, contentFormat: Format, payload: Uint8Array | string) {
    await this.ask('2.04', { method, path, contentFormat, payload: Buffer.from(payload) });
  }

  /** Write-Attributes: `/3?pmin=10`. */
  async writeAttributes(path: string): Promise<void> {
    await this.ask('2.04', { method: 'PUT', path });
  }

  /** Discover; attributes as texts, without the versions of objects. */
  async discover(path: string): Promise<Links> {
    const response = await this.ask('2.05', { method: 'GET', path, accept: FORMATS.coreLink });
    assert.equal(contentFormatOf(response), FORMATS.coreLink);
    const links = Object.entries(readLinks(response.payload));
    return Object.fromEntries(links.map(([target, { ver: _ver, ...attributes }]) => [target, attributes]));
  }

  /** Observes a path, or several by FETCH, and expects that it is accepted. */
  async observe(path: string | readonly string[], format?: Format): Promise<Observing> {
    const token = `0b5e${(this.#observations++).toString(16).padStart(2, '0')}`;
    const request = this.#observing(path, format);
    const response = await this.ask('2.05', { ...request, accept: format, observe: 0, token });
    assert.equal(numbers(response.options, OPTIONS.observe).length, 1, 'the Observe option of an accepted observation');
    return { token, values: this.valuesOf(response, pathOf(path), format) };
  }

  /** Observe 1 with the same request and token (RFC 7641 §3.6). */
  async cancel({ token }: Observing, path: string | readonly string[], format?: Format): Promise<Values> {
    const request = this.#observing(path, format);
    const response = await this.ask('2.05', { ...request, accept: format, observe: 1, token });
    assert.deepEqual(numbers(response.options, OPTIONS.observe), [], 'no Observe option once it is cancelled');
    return this.valuesOf(response, pathOf(path), format);
  }

  #observing(path: string | readonly string[], format: Format | undefined): Question {
    return typeof path === 'string' ? { method: 'GET', path } : composite(path, format!);
  }

  /** Notifications of an observation so far; each has the Observe option and a number above the one before. */
  notificationsOf({ token }: Observing): readonly Heard[] {
    const heard = this.server.notifications.filter((each) => each.token === token);
    const sequence = heard.map(({ code, options }) => {
      assert.equal(code, '2.05');
      assert.equal(numbers(options, OPTIONS.observe).length, 1, 'the Observe option of a notification');
      return numbers(options, OPTIONS.observe)[0]!;
    });
    assert.deepEqual(
      sequence,
      [...new Set(sequence)].toSorted((a, b) => a - b),
      'notifications are numbered upwards',
    );
    return heard;
  }
}

function pathOf(path: string | readonly string[]): string {
  return typeof path === 'string' ? path.split('?')[0]! : '/';
}

/** FETCH with the paths as SenML records without values (LwM2M Core 1.2 §6.3.8). */
export function composite(paths: readonly string[], format: Format): Question {
  const records = paths.map((n) => ({ n }));
  return { method: 'FETCH', path: '/', contentFormat: format, payload: senmlPack(format, records) };
}
