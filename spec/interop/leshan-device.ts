// A device of the ETS's configurations at Leshan: what Leshan says of it as values by path, and time that we move.

import assert from 'node:assert/strict';
import type { LwM2mVersion } from '../../lib/client/index.ts';
import { VirtualTime } from '../../lib/runtime/index.ts';
import { type Configuration, TestDevice } from '../ets/device.ts';
import type { Links, Values } from '../ets/payloads.ts';
import type { LeshanEvents } from './peers/events.ts';
import type {
  LeshanCompositeResponse,
  LeshanFormat,
  LeshanNode,
  LeshanResponse,
  LeshanRoot,
  LeshanServer,
} from './peers/leshan.ts';

const START = Date.UTC(2026, 0, 1);

export class LeshanDevice {
  readonly endpoint: string;
  readonly device: TestDevice;
  readonly #leshan: LeshanServer;
  readonly #time: VirtualTime;

  private constructor(leshan: LeshanServer, endpoint: string, device: TestDevice, time: VirtualTime) {
    this.endpoint = endpoint;
    this.device = device;
    this.#leshan = leshan;
    this.#time = time;
  }

  /** Registered, and Leshan knows what with (int-101). */
  static async register(
    leshan: LeshanServer,
    endpoint: string,
    configuration: Configuration,
    version: LwM2mVersion = '1.1',
  ): Promise<LeshanDevice> {
    const time = new VirtualTime(START);
    const uris = [`coap://127.0.0.1:${leshan.coapPort}`];
    const device = new TestDevice({ configuration, version, uris, time, endpoint });
    await device.turnOn();
    const registered = await leshan.events.waitFor('REGISTRATION', (data) => data.endpoint === endpoint);
    assert.equal(registered.lwM2mVersion, version);
    const urls = registered.objectLinks.map(({ url }) => url);
    assert.deepEqual(
      urls.filter((url) => /^\/(0|21|23)(\/|$)/.test(url)),
      [],
    );
    return new LeshanDevice(leshan, endpoint, device, time);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device.client.stop();
  }

  /** Lets seconds pass for the device. */
  elapse(seconds: number): Promise<void> {
    return this.#time.advance(seconds * 1_000);
  }

  async read(path: string, format?: LeshanFormat): Promise<Values> {
    return valuesOf(path, succeeded(await this.#leshan.read(this.endpoint, path, format), 'CONTENT(205)').content);
  }

  async readComposite(paths: readonly string[], format: LeshanFormat): Promise<Values> {
    return valuesByPath(succeeded(await this.#leshan.readComposite(this.endpoint, paths, format), 'CONTENT(205)'));
  }

  /** Writes values by path at or below `path`, which decides whether it is a node of a resource or of an instance. */
  async write(path: string, values: Values, format?: LeshanFormat, replace = true): Promise<void> {
    const options = format === undefined ? { replace } : { format, replace };
    succeeded(await this.#leshan.write(this.endpoint, path, nodeOf(path, values), options), 'CHANGED(204)');
  }

  async writeComposite(values: Values, format: LeshanFormat): Promise<void> {
    const nodes = Object.fromEntries(Object.keys(values).map((path) => [path, nodeOf(path, values)]));
    succeeded(await this.#leshan.writeComposite(this.endpoint, nodes, format), 'CHANGED(204)');
  }

  async create(object: string, id: number, values: Values, format?: LeshanFormat): Promise<void> {
    const { kind: _kind, ...instance } = nodeOf(`${object}/${id}`, values) as LeshanNode & { kind: 'instance' };
    succeeded(await this.#leshan.create(this.endpoint, object, instance, format), 'CREATED(201)');
  }

  async delete(path: string): Promise<void> {
    succeeded(await this.#leshan.delete(this.endpoint, path), 'DELETED(202)');
  }

  async execute(path: string): Promise<void> {
    succeeded(await this.#leshan.execute(this.endpoint, path), 'CHANGED(204)');
  }

  async writeAttributes(path: string, attributes: Readonly<Record<string, string>>): Promise<void> {
    succeeded(await this.#leshan.writeAttributes(this.endpoint, path, attributes), 'CHANGED(204)');
  }

  /** Attributes by target, without versions. */
  async discover(path: string): Promise<Links> {
    const { objectLinks = [] } = succeeded(await this.#leshan.discover(this.endpoint, path), 'CONTENT(205)');
    return Object.fromEntries(objectLinks.map(({ url, attributes: { ver: _ver, ...others } }) => [url, others]));
  }

  async observe(path: string, format: LeshanFormat): Promise<Values> {
    return valuesOf(path, succeeded(await this.#leshan.observe(this.endpoint, path, format), 'CONTENT(205)').content);
  }

  async observeComposite(paths: readonly string[], format: LeshanFormat): Promise<Values> {
    return valuesByPath(succeeded(await this.#leshan.observeComposite(this.endpoint, paths, format), 'CONTENT(205)'));
  }

  async cancelObserve(path: string, how: 'passive' | 'active'): Promise<void> {
    const { success } = await this.#leshan.cancelObserve(this.endpoint, path, how);
    assert.equal(success, true);
  }

  async cancelObserveComposite(paths: readonly string[]): Promise<void> {
    succeeded(await this.#leshan.cancelObserveComposite(this.endpoint, paths), 'CONTENT(205)');
  }

  /** What notifications of a path said so far, in order. */
  heard(path: string): readonly Values[] {
    const events = this.#leshan.events.heard('NOTIFICATION', ({ ep, res }) => ep === this.endpoint && res === path);
    return events.map(({ val }) => valuesOf(path, val));
  }

  /** What notifications of several paths said so far, in order. */
  heardComposite(): readonly Values[] {
    const events = this.#leshan.events.heard('COMPOSITE', ({ ep }) => ep === this.endpoint);
    return events.map((event) => valuesByPath({ content: event.val }));
  }

  /** Waits for the count-th notification of a path. */
  async notified(path: string, count: number): Promise<Values> {
    await this.#leshan.events.waitFor('NOTIFICATION', () => this.heard(path).length >= count);
    return this.heard(path)[count - 1]!;
  }

  /** Waits for the count-th notification of several paths. */
  async notifiedComposite(count: number): Promise<Values> {
    await this.#leshan.events.waitFor('COMPOSITE', () => this.heardComposite().length >= count);
    return this.heardComposite()[count - 1]!;
  }

  /** Lets seconds pass in which the device has nothing to say. */
  async quiet(seconds: number): Promise<void> {
    await this.read('/3/0/0'); // what is on its way to the device arrives before this
    const before = this.device.bytesSent;
    await this.elapse(seconds);
    assert.equal(this.device.bytesSent - before, 0n, `bytes sent within ${seconds} s`);
  }

  /** Waits for the count-th Send. */
  async received(count: number): Promise<Values> {
    const sends = (): readonly LeshanEvents['SEND'][] =>
      this.#leshan.events.heard('SEND', ({ ep }) => ep === this.endpoint);
    await this.#leshan.events.waitFor('SEND', () => sends().length >= count);
    return valuesByPath({ content: sends()[count - 1]!.val });
  }

  /** Waits for an Update, which the device may still have to send. */
  async updated(is: (registration: LeshanEvents['REGISTRATION']) => boolean): Promise<void> {
    await this.elapse(0);
    await this.#leshan.events.waitFor(
      'UPDATED',
      ({ registration }) => registration.endpoint === this.endpoint && is(registration),
    );
  }
}

export function succeeded<R extends Omit<LeshanResponse, 'content'>>(response: R, status: string): R {
  assert.equal(response.status, status, response.errormessage);
  return response;
}

function valuesByPath({ content }: Pick<LeshanCompositeResponse, 'content'>): Values {
  return joined(Object.entries(content ?? {}).map(([path, node]) => valuesOf(path, node)));
}

/** A node's values by path: its numbers as numbers, its times in seconds, its links as `object:instance`. */
function valuesOf(path: string, node: LeshanNode | LeshanRoot | null | undefined): Values {
  switch (node?.kind) {
    case 'root':
      return joined(node.objects.map((each) => valuesOf(`/${each.id}`, each)));
    case 'obj':
      return joined(node.instances.map((each) => valuesOf(`${path}/${each.id}`, each)));
    case 'instance':
      return joined(node.resources.map((each) => valuesOf(`${path}/${each.id}`, each)));
    case 'multiResource':
      return joined(Object.entries(node.values).map(([id, value]) => ({ [`${path}/${id}`]: plain(node.type, value) })));
    case 'singleResource':
    case 'resourceInstance':
      return { [path]: plain(node.type, node.value) };
    default:
      return {};
  }
}

function joined(all: readonly Values[]): Values {
  return Object.assign({}, ...all) as Values;
}

function plain(type: string, value: unknown): string | number | boolean {
  if (type === 'TIME') return Number(value) / 1_000;
  if (type === 'OBJLNK') {
    const { objectId, objectInstanceId } = value as { objectId: number; objectInstanceId: number };
    return `${objectId}:${objectInstanceId}`;
  }
  return /INTEGER|FLOAT/.test(type) ? Number(value) : (value as string | boolean);
}

/** The other way: values at or below a path, as one node. */
function nodeOf(path: string, values: Values): LeshanNode {
  const ids = path.slice(1).split('/').map(Number);
  const id = ids.at(-1)!;
  const below = Object.entries(values).filter(([at]) => at.startsWith(`${path}/`));
  if (ids.length === 2) {
    const resources = [...new Set(below.map(([at]) => at.split('/').slice(0, 4).join('/')))];
    return { kind: 'instance', id, resources: resources.map((each) => nodeOf(each, values)) };
  }
  if (below.length > 0) {
    const of = below.map(([at, value]) => [at.split('/').at(-1)!, told(value)] as const);
    return { kind: 'multiResource', id, type: typeOf(path, below[0]![1]), values: Object.fromEntries(of) };
  }
  const kind = ids.length === 4 ? 'resourceInstance' : 'singleResource';
  return {
    kind,
    id,
    type: typeOf(path, values[path]!),
    value: path === '/3/0/13' ? Number(values[path]) * 1_000 : told(values[path]!),
  };
}

function told(value: string | number | boolean): string | boolean {
  return typeof value === 'number' ? String(value) : value;
}

function typeOf(path: string, value: string | number | boolean): string {
  if (path === '/3/0/13') return 'TIME';
  return { string: 'STRING', number: 'INTEGER', boolean: 'BOOLEAN' }[typeof value as 'string' | 'number' | 'boolean'];
}
