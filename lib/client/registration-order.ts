// In which order a client registers with its servers (/1/x/13 to 15, LwM2M Core 1.2 Appendix E.2).

import { type Duration, type Environment, type Timer, later } from '../runtime/index.ts';

/** What the Server object says about the turn of one server. */
export interface RegistrationRank {
  /** /1/x/13: the smallest goes first; undefined: waits for nobody. */
  readonly order: number | undefined;
  /** /1/x/14: after the one before is through. */
  readonly delay: Duration;
  /** /1/x/15: those behind wait until this one is registered, should it fail. */
  readonly blocks: boolean;
}

/** Whoever is in the order. */
export interface Ranked {
  readonly rank: RegistrationRank;
  /** Registers now. */
  begin(): void;
}

/** One start of a client. */
export class RegistrationOrder {
  readonly #environment: Environment;
  readonly #behind: Ranked[] = [];
  #current: Ranked | undefined;
  #timer: Timer | undefined;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Those without an order at once, the others one after the other. */
  begin(all: readonly Ranked[]): void {
    const order = ({ rank }: Ranked): number => rank.order ?? Number.POSITIVE_INFINITY;
    const ordered = all.filter(({ rank }) => rank.order !== undefined).sort((a, b) => order(a) - order(b));
    this.#behind.push(...ordered);
    this.#next();
    for (const each of all) if (each.rank.order === undefined) each.begin();
  }

  /** A registration is through: it is there, or has failed for good. */
  outcome(of: Ranked, registered: boolean): void {
    if (of !== this.#current) return;
    if (!registered && of.rank.blocks) {
      const waiting = this.#behind.length;
      this.#environment.log.warn({ waiting }, 'a registration failed that others have to wait for (/1/x/15)');
      return;
    }
    this.#current = undefined;
    const [next] = this.#behind;
    if (next === undefined) return;
    const { clock, timers } = this.#environment;
    this.#timer = timers.at(later(clock.now(), next.rank.delay), () => this.#next());
  }

  /** Nobody's turn comes any more. */
  cancel(): void {
    this.#timer?.cancel();
    this.#behind.length = 0;
    this.#current = undefined;
  }

  #next(): void {
    this.#current = this.#behind.shift();
    this.#current?.begin();
  }
}
