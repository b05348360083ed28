// How a simulated path treats datagrams: decided per datagram from one seeded generator, so that a run repeats.

import { type Duration, type SeededRandom, milliseconds } from '../../runtime/index.ts';
import { SocketError } from '../errors.ts';

/** The weather of a path, one way. Rates are 0 to 1. */
export interface Conditions {
  /** Time from send to arrival. Default 10 ms. */
  readonly latency: Duration;
  /** Added to the latency, uniform from 0 to this. Order is kept. Default 0. */
  readonly jitter: Duration;
  /** Share of the datagrams that never arrive. Default 0. */
  readonly loss: number;
  /** Share that arrives twice. Default 0. */
  readonly duplication: number;
  /** Share that is held back by up to twice the latency, so that later ones overtake it. Default 0. */
  readonly reordering: number;
}

export const CALM: Conditions = Object.freeze({
  latency: milliseconds(10),
  jitter: milliseconds(0),
  loss: 0,
  duplication: 0,
  reordering: 0,
});

/** One copy of a datagram. */
export interface Passage {
  /** How long it travels, in milliseconds. */
  readonly delay: number;
  /** How long it is held back after its turn, in milliseconds, so that later ones overtake it; undefined: not at all. */
  readonly holdBack: number | undefined;
}

/** @throws SocketError EINVAL naming the field */
export function checkedConditions(conditions: Conditions): Conditions {
  for (const field of ['loss', 'duplication', 'reordering'] as const) {
    const rate = conditions[field];
    if (!(rate >= 0 && rate <= 1)) throw invalid(field, 'a rate from 0 to 1', rate);
  }
  for (const field of ['latency', 'jitter'] as const) {
    if (!(Number.isFinite(conditions[field]) && conditions[field] >= 0)) {
      throw invalid(field, 'a finite duration', conditions[field]);
    }
  }
  return Object.freeze({ ...conditions });
}

/** The copies of one datagram that arrive: none, one or two. Always draws six numbers, whatever the conditions. */
export function passages(conditions: Conditions, random: SeededRandom): readonly Passage[] {
  const [lost, doubled, first, second] = [random.unit(), random.unit(), random.unit(), random.unit()];
  const [held, late] = [random.unit(), random.unit()];
  if (lost < conditions.loss) return [];
  const spread = 2 * Math.max(1, conditions.latency);
  const delay = conditions.latency + conditions.jitter * first;
  const passage = { delay, holdBack: held < conditions.reordering ? 1 + spread * late : undefined };
  if (doubled >= conditions.duplication) return [passage];
  return [passage, { delay, holdBack: spread * second }];
}

function invalid(field: string, expected: string, found: number): SocketError {
  return new SocketError('EINVAL', `${field}: expected ${expected}, found ${found}`, { fatal: false });
}
