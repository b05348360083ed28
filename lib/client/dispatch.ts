// A server's request → an operation on the data model → the response (LwM2M Core 1.2 §6.3, Transport 1.2 §6.4.4).

import {
  CONTENT_FORMATS,
  type PayloadUse,
  type ResourceShape,
  checkContentFormat,
  chooseFormat,
  decodeChanges,
  decodeEntries,
  decodePaths,
  otherFormats,
} from '../formats/index.ts';
import {
  type IncomingRequest,
  type OutgoingResponse,
  RESPONSE_CODES,
  type RequestHead,
  type ResponseCode,
} from '../coap/index.ts';
import { type Entry, type ManagedObject, ModelError, type OpaqueSource, Path, type Prepared } from '../model/index.ts';
import { DecodeError, utf8Decode, utf8Encode } from '../bytes/index.ts';
import type { AttributeStore } from './attribute-store.ts';
import { type NotificationAttributes, parseAttributes, parseObserveParameters } from './attributes.ts';
import { checkLinks } from './written-links.ts';
import { newInstances } from './create.ts';
import { allTogether, readSeveral, writeSeveral } from './composite.ts';
import { encodeInFirst } from './answers.ts';
import { comesInParts, inOnePart, patientSource, writeParts } from './opaque-parts.ts';
import type { Observed } from './watch.ts';
import { HIDDEN_OBJECTS, objectLinks } from './registration-payload.ts';
import type { LwM2mVersion } from './registration-parameters.ts';
import type { Log } from '../runtime/index.ts';
import type { ObjectSet } from './object-set.ts';
import { type Patience, Turn } from './patience.ts';
import { type DiscoverOptions, discover } from './discover.ts';
import { parseExecuteArguments } from './execute-arguments.ts';
import { refusal } from './refusal.ts';

type Answer = OutgoingResponse | Promise<OutgoingResponse>;

/** What dispatch needs of the association it serves. */
export interface DispatchContext {
  readonly objects: ObjectSet;
  readonly attributes: AttributeStore;
  readonly log: Log;
  readonly patience: Patience;
  /** The version registered with; undefined before Register's 2.01: then nothing is answered. */
  version(): LwM2mVersion | undefined;
  /** What answers prefer where the server asks for no format; undefined: the version's default. */
  readonly preferredFormat: number | undefined;
  /** Show `ver` of objects of version 1.0, too. Default false. */
  readonly explicitVersions?: boolean | undefined;
  /** What /1/x/2 and /1/x/3 of this server say. Default nothing. */
  defaultPeriods?(): Pick<NotificationAttributes, 'pmin' | 'pmax'>;
  /** Offered every successful read that asks to be observed. */
  observe(observed: Observed): void;
  /** Attributes at or below `path` are others now. */
  attributesChanged(path: Path): void;
}

/** Answers the requests of one server. */
export class Dispatcher {
  readonly #context: DispatchContext;

  constructor(context: DispatchContext) {
    this.#context = context;
  }

  /** For `CoapConnection.handler`. Undefined (no answer at all) before Register is answered. */
  readonly handle = (request: IncomingRequest): OutgoingResponse | undefined | Promise<OutgoingResponse> => {
    if (this.#context.version() === undefined) {
      this.#context.log.debug({ method: request.method }, 'request before registration ignored');
      return undefined;
    }
    const turn = new Turn();
    try {
      const answer = this.#answer(request, turn);
      if (!(answer instanceof Promise)) return answer;
      // What comes in parts takes as long as its peer does; patience is had with the application alone.
      const bounded = request.body === undefined ? this.#context.patience.wait(answer, turn.end) : answer;
      return bounded.catch((error: unknown) => this.#refuse(error));
    } catch (error) {
      return this.#refuse(error);
    }
  };

  /** For the connection's `streamed`: whether the application reads a body as it comes. */
  readonly streams = (request: RequestHead): boolean =>
    this.#context.version() !== undefined && comesInParts(this.#context.objects, request);

  #refuse(error: unknown): OutgoingResponse {
    return refusal(error, this.#context.log);
  }

  #answer(request: IncomingRequest, turn: Turn): Answer {
    const path = pathOf(request);
    if (path.object !== undefined && HIDDEN_OBJECTS.has(path.object)) {
      throw new ModelError('unauthorized', `no server may touch object ${path.object}`);
    }
    if (path.level === 'resourceInstance' && this.#version === '1.0') {
      throw new ModelError('notFound', 'LwM2M 1.0 has no paths of resource instances');
    }
    switch (request.method) {
      case 'GET':
        return request.accept === CONTENT_FORMATS.coreLink ? this.#discover(request, path) : this.#read(request, path);
      case 'PUT':
        return this.#put(request, path, turn);
      case 'POST':
        return this.#post(request, path, turn);
      case 'DELETE':
        return this.#delete(path, turn);
      case 'FETCH':
        return this.#readComposite(request, path);
      case 'iPATCH':
        return this.#writeComposite(request, path, turn);
      default:
        throw new ModelError('methodNotAllowed', `${request.method} is not supported`);
    }
  }

  #read(request: IncomingRequest, path: Path): Answer {
    const { objects } = this.#context;
    if (path.level === 'root') throw new ModelError('methodNotAllowed', 'the root cannot be read');
    const shape = path.resource === undefined ? undefined : objects.shapeOf(path.prefix(3));
    const parameters = this.#parameters(request, path);
    const source = request.acceptObservation === undefined ? objects.of(path).source?.(path, 'server') : undefined;
    if (source !== undefined && this.#format(request, path, shape) === CONTENT_FORMATS.opaque) {
      return after(source, (given) => this.#stream(given, path));
    }
    const entries = objects.read(path, 'server');
    const contentFormat = this.#format(request, path, shape);
    return after(entries, (read) =>
      this.#content({ request, paths: [path], composite: false, parameters, contentFormat, entries: read }, path),
    );
  }

  #stream(source: OpaqueSource, path: Path): OutgoingResponse {
    const stream = patientSource(source, path, this.#context.patience);
    return { code: RESPONSE_CODES.content, contentFormat: CONTENT_FORMATS.opaque, stream };
  }

  /** FETCH: best effort, so what is not there is left out (§6.3.8). */
  #readComposite(request: IncomingRequest, at: Path): Answer {
    const { objects } = this.#context;
    this.#checkComposite(request, at, 'readComposite');
    const paths = decodePaths(request.contentFormat!, request.payload);
    const parameters = this.#parameters(request, undefined);
    const contentFormat = this.#format(request, Path.root, undefined);
    return after(readSeveral(objects, paths), (entries) =>
      this.#content({ request, paths, composite: true, parameters, contentFormat, entries }, Path.root),
    );
  }

  /** iPATCH: all or nothing (§6.3.9). */
  #writeComposite(request: IncomingRequest, at: Path, turn: Turn): Answer {
    const { objects } = this.#context;
    this.#checkComposite(request, at, 'writeComposite');
    const changes = decodeChanges(request.contentFormat!, request.payload, objects.shapeOf);
    checkLinks(objects, changes);
    return after(writeSeveral(objects, changes, turn.perform), () => ({ code: RESPONSE_CODES.changed }));
  }

  #checkComposite({ method, contentFormat }: IncomingRequest, at: Path, use: PayloadUse): void {
    const version = this.#version;
    if (version === '1.0') throw new ModelError('methodNotAllowed', `${method} came with LwM2M 1.1`);
    if (at.level !== 'root') throw new ModelError('methodNotAllowed', `${method} takes the root, not ${at}`);
    if (contentFormat === undefined) {
      throw new ModelError('unsupportedContentFormat', `${method} needs a Content-Format`);
    }
    checkContentFormat(contentFormat, use, version);
  }

  /** @param path undefined for a composite */
  #parameters(request: IncomingRequest, path: Path | undefined): NotificationAttributes | undefined {
    if (request.acceptObservation === undefined || request.query.length === 0) return undefined;
    const target = path && { path, definition: this.#context.objects.definitionOf(path) };
    return parseObserveParameters(request.query, this.#version, target);
  }

  #format({ accept }: IncomingRequest, path: Path, shape: ResourceShape | undefined): number {
    const preferred = this.#context.preferredFormat;
    const format = chooseFormat({ accept, path, shape, version: this.#version, preferred });
    if (format === undefined) throw new ModelError('notAcceptable', `${path} cannot be had in that format`);
    return format;
  }

  #content(observed: Observed, base: Path): OutgoingResponse {
    const { request, entries } = observed;
    const { objects } = this.#context;
    const choice = { path: base, shape: objects.shapeOf(base.prefix(3)), version: this.#version };
    const others = request.accept === undefined ? otherFormats(choice) : [];
    const { contentFormat, payload } = encodeInFirst([observed.contentFormat, ...others], base, entries, objects);
    if (request.acceptObservation !== undefined) this.#context.observe({ ...observed, contentFormat });
    return { code: RESPONSE_CODES.content, contentFormat, payload };
  }

  get #version(): LwM2mVersion {
    return this.#context.version() ?? '1.1';
  }

  #discover(request: IncomingRequest, path: Path): OutgoingResponse {
    const { objects, attributes } = this.#context;
    const { explicitVersions } = this.#context;
    const text =
      path.level === 'root'
        ? objectLinks(objects, { version: this.#version, explicitVersions })
        : discover(objects, attributes, path, this.#extent(request, path));
    return { code: RESPONSE_CODES.content, contentFormat: CONTENT_FORMATS.coreLink, payload: utf8Encode(text) };
  }

  #extent({ query }: IncomingRequest, path: Path): DiscoverOptions {
    const depth = depthOf(query, this.#version);
    const { explicitVersions } = this.#context;
    if (this.#version === '1.0') return path.level === 'resource' ? { depth: 0 } : { explicitVersions }; // it knows no resource instances
    return depth === undefined
      ? { explicitVersions }
      : { explicitVersions, depth, defaults: this.#context.defaultPeriods?.() };
  }

  #put(request: IncomingRequest, path: Path, turn: Turn): Answer {
    if (request.contentFormat === undefined && request.payload.length === 0 && request.query.length > 0) {
      return this.#writeAttributes(request, path);
    }
    if (path.instance === undefined) throw new ModelError('methodNotAllowed', `${path} cannot be written as a whole`);
    const { objects, patience } = this.#context;
    if (request.body !== undefined) return writeParts(objects.of(path), path, request.body, patience);
    return this.#write(request, path, 'replace', turn);
  }

  /** A request without Content-Format is plain text, as servers of 1.0 send it. */
  #write(request: IncomingRequest, path: Path, mode: 'replace' | 'update', turn: Turn): Answer {
    const { objects } = this.#context;
    const object = objects.of(path);
    // A resource may be made by a write, an instance or a resource instance may not (§6.3.3).
    const target = path.level === 'resourceInstance' ? path : path.prefix(2);
    if (!objects.has(target)) throw new ModelError('notFound', `there is no ${target}`);
    const format = request.contentFormat ?? CONTENT_FORMATS.text;
    checkContentFormat(format, 'write', this.#version);
    const entries = decodeEntries(format, path, request.payload, objects.shapeOf);
    checkLinks(objects, entries);
    const whole = entries[0]?.value;
    if (
      mode === 'replace' &&
      entries.length === 1 &&
      whole instanceof Uint8Array &&
      object.takesParts?.(path, 'server') === true
    ) {
      return writeParts(object, path, inOnePart(whole), this.#context.patience);
    }
    const known = path.resource === undefined ? knownOf(object, entries) : entries;
    const prepared = object.prepareWrite({ path, entries: known, mode, by: 'server' });
    return after(allTogether([prepared], turn.perform), () => ({ code: RESPONSE_CODES.changed }));
  }

  #writeAttributes(request: IncomingRequest, path: Path): OutgoingResponse {
    const { objects, attributes } = this.#context;
    const changes = parseAttributes(request.query, this.#version);
    if (path.level === 'root') throw new ModelError('methodNotAllowed', 'the root has no attributes');
    if (!objects.has(path)) throw new ModelError('notFound', `there is no ${path}`);
    const definition = objects.definitionOf(path);
    if (definition?.operations.includes('R') === false) {
      throw new ModelError('methodNotAllowed', `${path} (${definition.name}) cannot be observed`); // §5.1.2: readable ones
    }
    attributes.write(path, changes, definition);
    this.#context.attributesChanged(path);
    return { code: RESPONSE_CODES.changed };
  }

  #post(request: IncomingRequest, path: Path, turn: Turn): Answer {
    const { objects } = this.#context;
    if (path.level === 'root') throw new ModelError('methodNotAllowed', 'the root takes no POST');
    const object = objects.of(path);
    if (path.level === 'object') return this.#create(request, path, object, turn);
    if (path.level === 'instance') return this.#write(request, path, 'update', turn);
    const definition = objects.definitionOf(path);
    if (path.level === 'resource' && (definition === undefined || definition.operations === 'E')) {
      return this.#execute(request, path, object);
    }
    const updatable = path.level === 'resource' && definition?.multiple === true && request.contentFormat !== undefined;
    if (!updatable) throw new ModelError('methodNotAllowed', `${path} takes no POST`);
    return this.#write(request, path, 'update', turn);
  }

  #execute(request: IncomingRequest, path: Path, object: ManagedObject): Answer {
    if ((request.contentFormat ?? CONTENT_FORMATS.text) !== CONTENT_FORMATS.text) {
      throw new ModelError('unsupportedContentFormat', 'arguments of Execute are plain text');
    }
    const args = parseExecuteArguments(utf8Decode(request.payload, 'Execute arguments'));
    return after(object.execute(path, args), () => ({ code: RESPONSE_CODES.changed }));
  }

  /** §6.3.6: all instances of the payload, or none. Where their ids are the server's choice, it knows them. */
  #create(request: IncomingRequest, path: Path, object: ManagedObject, turn: Turn): Answer {
    const { objects } = this.#context;
    const wanted = newInstances(request, object, { path, shapeOf: objects.shapeOf, version: this.#version });
    const checkRoom = (): void => {
      if (wanted.length <= (object.vacancies ?? Infinity)) return;
      throw new ModelError('badRequest', `object ${path.object} takes ${object.vacancies} instances more`);
    };
    if (wanted.length > 1) checkRoom();
    const created = wanted.flatMap(({ id }) => (id === undefined ? [] : [path.child(id)]));
    const instances = wanted.map(({ id, entries }) => {
      checkLinks(objects, entries, created);
      return object.prepareCreate(id, knownOf(object, entries), 'server');
    });
    const perform = (prepared: readonly Prepared<number>[]): readonly number[] => {
      checkRoom(); // others may have been created while the application was asked
      return turn.perform(prepared);
    };
    return after(allTogether(instances, perform), (ids) => ({
      code: RESPONSE_CODES.created as ResponseCode,
      ...(ids.length === 1 ? { locationPath: [String(path.object), String(ids[0])] } : {}),
    }));
  }

  #delete(path: Path, turn: Turn): Answer {
    if (path.level === 'root') throw new ModelError('methodNotAllowed', 'the root cannot be deleted');
    const object = this.#context.objects.of(path);
    if (path.level === 'resourceInstance' && this.#version >= '1.2') {
      const { instance, resource, resourceInstance } = path;
      if (object.resourceInstanceIds(instance!, resource!)?.includes(resourceInstance!) !== true) {
        throw new ModelError('notFound', `there is no ${path}`);
      }
      const request = { path: path.prefix(3), entries: [], mode: 'update', by: 'server', removed: [path] } as const;
      const prepared = object.prepareWrite(request);
      return after(allTogether([prepared], turn.perform), () => ({ code: RESPONSE_CODES.deleted }));
    }
    if (path.level !== 'instance') throw new ModelError('methodNotAllowed', `Delete takes an instance, not ${path}`);
    object.delete(path.instance!, 'server');
    return { code: RESPONSE_CODES.deleted };
  }
}

/** What is no path of ids is simply not there. */
function pathOf(request: IncomingRequest): Path {
  try {
    return Path.fromSegments(request.path);
  } catch (error) {
    if (error instanceof DecodeError) throw new ModelError('notFound', error.message);
    throw error;
  }
}

function depthOf(query: readonly string[], version: LwM2mVersion): number | undefined {
  const argument = query.find((text) => text.startsWith('depth='));
  if (argument === undefined) return undefined;
  if (version < '1.2') throw new DecodeError('depth', `none in LwM2M ${version}`, 'one');
  if (!/^depth=[0-3]$/.test(argument)) throw new DecodeError('depth', '0 to 3', 'something else');
  return Number(argument.slice(-1));
}

/** Resources we do not know are no error in a write of an instance (§6.3.3). */
function knownOf(object: ManagedObject, entries: readonly Entry[]): readonly Entry[] {
  const ids = new Set(Object.values(object.definition.resources).map((resource) => resource.id));
  return entries.filter((entry) => ids.has(entry.path.resource ?? -1));
}

/** At once where the model answers at once: the whole exchange is then one call stack. */
function after<T>(value: T | Promise<T>, next: (value: T) => OutgoingResponse): Answer {
  return value instanceof Promise ? value.then(next) : next(value);
}
