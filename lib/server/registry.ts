// The registrations a server keeps: who is there, until when. Pure: time comes in, expiries come out.

import { type Duration, type Instant, TimerTable, later } from '../runtime/index.ts';
import {
  DEFAULT_LIFETIME,
  DEFAULT_MOST_LINK_BYTES,
  type LwM2mVersion,
  type RegisteredObject,
  type RegistrationParameters,
} from './registration-request.ts';
import type { CoreLink } from '../formats/index.ts';

/** A registration as it stands. Replaced, never changed. */
export interface Registration {
  /** Random, the last segment of Register's Location-Path. */
  readonly id: string;
  readonly endpoint: string;
  readonly lifetime: Duration;
  readonly version: LwM2mVersion;
  readonly binding: string;
  readonly queueMode: boolean;
  readonly smsNumber: string | undefined;
  readonly rootPath: string;
  readonly links: readonly CoreLink[];
  readonly objects: ReadonlyMap<number, RegisteredObject>;
  /** Bytes the links came in. */
  readonly linkBytes: number;
  /** Milliseconds since 1970. */
  readonly registeredAt: number;
  readonly updatedAt: number;
}

export interface RegistryLimits {
  /** Registrations kept at once. Default 100,000. */
  readonly maxRegistrations: number;
  /** Registrations of one identity (not without security, where there is none). Default 100. */
  readonly maxPerIdentity: number;
  /** Bytes of links in one Register or Update. Default 64 KiB. */
  readonly maxLinkBytes: number;
  /** Bytes of links of all registrations, each link reckoned at 128 bytes beside its text. Default 256 MiB. */
  readonly maxTotalLinkBytes: number;
}

// No specification names any: these let a gateway stand for many devices, and one peer not use up what all share.
export const REGISTRY_LIMITS: RegistryLimits = Object.freeze({
  maxRegistrations: 100_000,
  maxPerIdentity: 100,
  maxLinkBytes: DEFAULT_MOST_LINK_BYTES,
  maxTotalLinkBytes: 268_435_456,
});

const LINK_COST = 128; // bytes that a link takes in memory beside its text, measured: `<>,` is one in three

/** Registrations by id and by endpoint. A second Register of an endpoint replaces the first (LwM2M Core §6.2.1). */
export class Registry {
  readonly #limits: RegistryLimits;
  readonly #byId = new Map<string, Registration>();
  readonly #idOf = new Map<string, string>();
  readonly #deadlines = new TimerTable<string>();
  #linkBytes = 0;

  constructor(limits: Partial<RegistryLimits> = {}) {
    this.#limits = { ...REGISTRY_LIMITS, ...limits };
  }

  get size(): number {
    return this.#byId.size;
  }

  byId(id: string): Registration | undefined {
    return this.#byId.get(id);
  }

  byEndpoint(endpoint: string): Registration | undefined {
    return this.#byId.get(this.#idOf.get(endpoint) ?? '');
  }

  all(): readonly Registration[] {
    return [...this.#byId.values()];
  }

  /** @returns the new registration and the one it replaces; undefined if the registry is full */
  register(
    id: string,
    endpoint: string,
    given: RegistrationParameters,
    time: { readonly now: Instant; readonly wall: number },
  ): { readonly registration: Registration; readonly replaced: Registration | undefined } | undefined {
    const replaced = this.byEndpoint(endpoint);
    if (replaced === undefined && this.#byId.size >= this.#limits.maxRegistrations) return undefined;
    if (!this.#hasRoom(given, replaced)) return undefined;
    if (replaced !== undefined) this.remove(replaced.id);
    const registration: Registration = {
      id,
      endpoint,
      lifetime: given.lifetime ?? DEFAULT_LIFETIME,
      version: given.version ?? '1.0',
      binding: given.binding ?? 'U',
      queueMode: given.queueMode ?? false,
      smsNumber: given.smsNumber,
      rootPath: given.rootPath ?? '',
      links: given.links ?? [],
      objects: given.objects ?? new Map(),
      linkBytes: given.linkBytes ?? 0,
      registeredAt: time.wall,
      updatedAt: time.wall,
    };
    this.#keep(registration, time.now);
    this.#idOf.set(endpoint, id);
    return { registration, replaced };
  }

  /** What is absent stays as it was (§6.2.2). @returns undefined if there is no such registration, or no room */
  update(
    id: string,
    given: RegistrationParameters,
    time: { readonly now: Instant; readonly wall: number },
  ): Registration | undefined {
    const before = this.#byId.get(id);
    if (before === undefined || !this.#hasRoom(given, before)) return undefined;
    const after: Registration = {
      ...before,
      lifetime: given.lifetime ?? before.lifetime,
      binding: given.binding ?? before.binding,
      queueMode: given.queueMode ?? (given.binding === undefined && before.queueMode),
      smsNumber: given.smsNumber ?? before.smsNumber,
      rootPath: given.rootPath ?? before.rootPath,
      links: given.links ?? before.links,
      objects: given.objects ?? before.objects,
      linkBytes: given.linkBytes ?? before.linkBytes,
      updatedAt: time.wall,
    };
    this.#keep(after, time.now);
    return after;
  }

  remove(id: string): Registration | undefined {
    const registration = this.#byId.get(id);
    if (registration === undefined) return undefined;
    this.#byId.delete(id);
    this.#linkBytes -= costOf(registration);
    this.#idOf.delete(registration.endpoint);
    this.#deadlines.cancel(id);
    return registration;
  }

  /** Removes and gives the registrations whose lifetime is over. */
  expire(now: Instant): readonly Registration[] {
    return this.#deadlines.expire(now).map((id) => this.remove(id)!);
  }

  nextExpiry(): Instant {
    return this.#deadlines.next();
  }

  #hasRoom(given: RegistrationParameters, instead: Registration | undefined): boolean {
    const before = costOf(instead);
    const after = given.links === undefined ? before : costOf(given);
    return this.#linkBytes - before + after <= this.#limits.maxTotalLinkBytes;
  }

  #keep(registration: Registration, now: Instant): void {
    this.#linkBytes += costOf(registration) - costOf(this.#byId.get(registration.id));
    this.#byId.set(registration.id, registration);
    this.#deadlines.set(registration.id, later(now, registration.lifetime));
  }
}

function costOf(given: Pick<RegistrationParameters, 'links' | 'linkBytes'> | undefined): number {
  return (given?.linkBytes ?? 0) + LINK_COST * (given?.links?.length ?? 0);
}
