// What applies to one observation: attributes or parameters, the defaults of /1, what is kept and what must be confirmed
// (LwM2M Core 1.2 §5.1.2, §6.4.1, §6.4.4).

import type { AttributeStore } from './attribute-store.ts';
import type { Entry, Path } from '../model/index.ts';
import type { AttributeName, NotificationAttributes } from './attributes.ts';
import type { Subject } from './notification-schedule.ts';

/** What the Server object (/1) says about notifications, as it is now. */
export interface NotificationSettings {
  /** /1/x/2, in seconds. */
  readonly pmin: number | undefined;
  /** /1/x/3, in seconds. */
  readonly pmax: number | undefined;
  /** /1/x/6: keep what could not be told. */
  readonly stores: boolean;
  /** /1/x/26: 1 asks for confirmable notifications. */
  readonly confirmable: boolean | undefined;
}

export interface ObservationRulesOptions {
  readonly attributes: AttributeStore;
  readonly settings: () => NotificationSettings;
  /** Send notifications confirmable where the server has not said otherwise. Default false. */
  readonly confirmable?: boolean | undefined;
}

export class ObservationRules {
  readonly #options: ObservationRulesOptions;

  constructor(options: ObservationRulesOptions) {
    this.#options = options;
  }

  /** Whether notifications are stored while the server cannot be reached. */
  get stores(): boolean {
    return this.#options.settings().stores;
  }

  /**
   * The parameters of an Observe stand in place of all that was written; those of an Observe-Composite in place of what
   * objects can have (§6.4.1, §6.4.4).
   */
  attributesOf(path: Path, { parameters, composite }: Subject): NotificationAttributes {
    const { pmin, pmax } = this.#options.settings();
    if (parameters === undefined) return { pmin, pmax, ...this.#options.attributes.effective(path) };
    if (!composite) return { pmin, pmax, ...parameters };
    const { gt, lt, st, edge } = this.#options.attributes.effective(path);
    return { pmin, pmax, gt, lt, st, edge, ...parameters };
  }

  /** Whether edges may apply to any of its values. */
  mayHaveEdges(subject: Subject): boolean {
    return this.#mayApply('edge', subject);
  }

  #mayApply(name: AttributeName, { parameters }: Subject): boolean {
    return parameters?.[name] !== undefined || this.#options.attributes.sets(name);
  }

  /** One component that asks for it is enough (§5.1.2, con). */
  isConfirmable(subject: Subject, entries: readonly Entry[]): boolean {
    const paths = this.#mayApply('con', subject) ? [...subject.paths, ...entries.map(({ path }) => path)] : [];
    const asked = paths.map((path) => this.attributesOf(path, subject).con).filter((con) => con !== undefined);
    if (asked.length > 0) return asked.includes(1);
    return this.#options.settings().confirmable ?? this.#options.confirmable === true;
  }

  /** With hqmax anywhere, what has none, or 0, is not kept (§5.1.2). */
  keptOf(subject: Subject, entries: readonly Entry[]): readonly Entry[] {
    if (!this.#mayApply('hqmax', subject)) return entries;
    const bounds = entries.map(({ path }) => this.attributesOf(path, subject).hqmax);
    if (bounds.every((bound) => bound === undefined)) return entries;
    return entries.filter((_, i) => (bounds[i] ?? 0) > 0);
  }
}
