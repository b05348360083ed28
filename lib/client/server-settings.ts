// What the Server object (/1) says about one account, as it is now.

import { type Duration, seconds } from '../runtime/index.ts';
import { type CheckedAccount, bindingOf } from './accounts.ts';
import type { CommunicationRetry } from './retry.ts';
import type { NotificationSettings } from './observation-rules.ts';
import type { ObjectSet } from './object-set.ts';
import { Path } from '../model/index.ts';
import { TlsAlertError } from '../net/index.ts';
import { isServerBinding, isServerTime } from '../objects/index.ts';
import type { LwM2mVersion, RegistrationWishes } from './registration-parameters.ts';
import type { RegistrationRank } from './registration-order.ts';
import { objectLinks } from './registration-payload.ts';

const SERVER = 1; // object id
const LIFETIME = 1;
const DEFAULT_MINIMUM_PERIOD = 2;
const DEFAULT_MAXIMUM_PERIOD = 3;
const DISABLE_TIMEOUT = 5;
const STORING = 6;
const BINDING = 7;
const TLS_ALERT_CODE = 11;
const RANK = { order: 13, delay: 14, blocks: 15 } as const;
const UNDELAYED = seconds(0);
const COMMUNICATION_RETRY = { count: 17, timer: 18, sequenceDelay: 19, sequenceCount: 20 } as const;
const MUTE_SEND = 23;
const SUPPORTED_VERSIONS = 25;
const DEFAULT_NOTIFICATION_MODE = 26;
const DEFAULT_DISABLE_TIMEOUT = seconds(86_400); // /1/x/5, LwM2M Core 1.2 Appendix E.2

/** Reads one /1 instance. */
export class ServerSettings {
  readonly #account: CheckedAccount;
  readonly #objects: ObjectSet;
  readonly #absentMuteSend: 'mutes' | 'allows';

  /** @param absentMuteSend what it means that /1/x/23 is not there */
  constructor(account: CheckedAccount, objects: ObjectSet, absentMuteSend: 'mutes' | 'allows' = 'mutes') {
    this.#absentMuteSend = absentMuteSend;
    this.#account = account;
    this.#objects = objects;
  }

  /** Of `configured`, those that the server has (/1/x/25); all where it says nothing that fits. */
  versions(configured: readonly LwM2mVersion[]): readonly LwM2mVersion[] {
    const path = Path.of(SERVER, this.#account.instance, SUPPORTED_VERSIONS);
    if (!this.#objects.has(path)) return configured;
    const entries = this.#objects.read(path, 'application');
    const supported = entries instanceof Promise ? [] : entries.map(({ value }) => enablerOf(value));
    const common = configured.filter((version) => supported.includes(version));
    return common.length > 0 ? common : configured;
  }

  /** What Register would say now, as one of these versions. */
  parameters(versions: readonly LwM2mVersion[], explicitVersions: boolean): RegistrationWishes {
    const own = bindingOf(this.#account.uri.scheme);
    const binding = this.#value(BINDING);
    return {
      lifetime: this.#time(LIFETIME) ?? this.#account.lifetime,
      binding: isServerBinding(binding) && binding.includes(own) ? binding : own,
      queueMode: this.#account.queueMode,
      objects: Object.fromEntries(
        versions.map((version) => [
          version,
          objectLinks(this.#objects.editionFor(version), { version, explicitVersions }),
        ]),
      ),
    };
  }

  /** Whether a change of the value at `path` is one that the server is told by Update. */
  isRegistered(path: Path): boolean {
    return [LIFETIME, BINDING].some((resource) => Path.of(SERVER, this.#account.instance, resource).equals(path));
  }

  /** When this server's turn is (/1/x/13 to 15). */
  get rank(): RegistrationRank {
    const delay = this.#time(RANK.delay);
    return {
      order: this.#number(RANK.order),
      delay: delay === undefined ? UNDELAYED : seconds(delay),
      blocks: this.#value(RANK.blocks) === true,
    };
  }

  /** What applies to notifications where neither attributes nor parameters say it. */
  get notifications(): NotificationSettings {
    const mode = this.#number(DEFAULT_NOTIFICATION_MODE);
    return {
      pmin: this.#time(DEFAULT_MINIMUM_PERIOD),
      pmax: this.#time(DEFAULT_MAXIMUM_PERIOD),
      stores: this.#value(STORING) !== false,
      confirmable: mode === undefined ? undefined : mode === 1,
    };
  }

  /** Whether `path` is of this account's instance of the Server object. */
  owns(path: Path): boolean {
    return Path.of(SERVER, this.#account.instance).contains(path);
  }

  get disableTimeout(): Duration {
    const given = this.#time(DISABLE_TIMEOUT);
    return given === undefined ? DEFAULT_DISABLE_TIMEOUT : seconds(given);
  }

  /** /1/x/23. */
  get muteSend(): boolean | undefined {
    const value = this.#value(MUTE_SEND);
    return typeof value === 'boolean' ? value : undefined;
  }

  /** Whether nothing is sent. */
  get mutesSend(): boolean {
    return this.muteSend ?? this.#absentMuteSend === 'mutes';
  }

  /** /1/x/17 to 20 where they are there, `otherwise` elsewhere; a live view, since servers may write them at any time. */
  retry(otherwise: CommunicationRetry): CommunicationRetry {
    const number = (resource: number): number | undefined => this.#number(resource);
    const duration = (resource: number, fallback: Duration): Duration => {
      const given = this.#time(resource);
      return given === undefined ? fallback : seconds(given);
    };
    return {
      get count() {
        return number(COMMUNICATION_RETRY.count) ?? otherwise.count;
      },
      get timer() {
        return duration(COMMUNICATION_RETRY.timer, otherwise.timer);
      },
      get sequenceDelay() {
        return duration(COMMUNICATION_RETRY.sequenceDelay, otherwise.sequenceDelay);
      },
      get sequenceCount() {
        return number(COMMUNICATION_RETRY.sequenceCount) ?? otherwise.sequenceCount;
      },
      maxDelay: otherwise.maxDelay,
    };
  }

  /** /1/x/11: the alert a server ended the connection or the attempt with, if the error comes from one. */
  noteAlert(error: unknown): void {
    const alert = receivedAlert(error);
    if (alert === undefined) return;
    const path = Path.of(SERVER, this.#account.instance, TLS_ALERT_CODE);
    try {
      void this.#objects.of(path).write(path, [{ path, value: alert }], 'replace', 'application');
    } catch {
      // a listener of the application's failed: the value is there
    }
  }

  /** The application may assign what a server cannot write; nothing can be done with such a value, so it does not count. */
  #time(resource: number): number | undefined {
    const value = this.#value(resource);
    return isServerTime(value) ? value : undefined;
  }

  #number(resource: number): number | undefined {
    const value = this.#value(resource);
    return typeof value === 'number' ? value : undefined;
  }

  #value(resource: number): unknown {
    return this.#objects.peek(SERVER, this.#account.instance, resource);
  }
}

/** `1.1` of `1.1.1`: servers may say the third number (Core 1.2 Appendix E.2, /1/x/25), which no registration has. */
function enablerOf(version: unknown): string | undefined {
  return typeof version === 'string' ? /^(\d+\.\d+)(?:\.\d+)?$/.exec(version)?.[1] : undefined;
}

const DEEPEST_CAUSE = 8; // causes may be anything, also a cycle

/** The description of a TLS alert among an error and its causes; one that we sent does not count. */
function receivedAlert(error: unknown): number | undefined {
  let cause = error;
  for (let depth = 0; depth < DEEPEST_CAUSE && cause instanceof Error; depth++, cause = cause.cause) {
    if (cause instanceof TlsAlertError && cause.direction === 'received') return cause.description;
  }
  return undefined;
}
