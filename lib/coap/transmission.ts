// Transmission parameters (RFC 7252 §4.8) and the times derived from them (§4.8.2).

import { type Duration, milliseconds, seconds } from '../runtime/index.ts';

export interface TransmissionParameters {
  /** Least wait before a confirmable message is sent again. */
  readonly ackTimeout: Duration;
  /** The first wait is drawn between ackTimeout and ackTimeout times this. At least 1. */
  readonly ackRandomFactor: number;
  /** How often a confirmable message is sent again. */
  readonly maxRetransmit: number;
  /** Confirmable messages in flight at once. */
  readonly nstart: number;
  /** Longest time a datagram is thought to be under way. */
  readonly maxLatency: Duration;
  /** How long a request may wait for its answer before it is acknowledged alone. Must stay below ackTimeout. */
  readonly processingDelay: Duration;
  /** Bytes a second, on average, to a peer that says nothing; Infinity: no limit. */
  readonly probingRate: number;
  /** Bytes that may go out to a silent peer before `probingRate` holds. */
  readonly probingBurst: number;
  /** Where the first wait comes from: `fixed`, ackTimeout; `cocoa`, round trips measured (draft-ietf-core-cocoa-03). */
  readonly timeout: 'fixed' | 'cocoa';
}

export const DEFAULT_TRANSMISSION: TransmissionParameters = Object.freeze({
  ackTimeout: seconds(2), // RFC 7252 §4.8
  ackRandomFactor: 1.5, // RFC 7252 §4.8
  maxRetransmit: 4, // RFC 7252 §4.8
  nstart: 1, // RFC 7252 §4.8
  maxLatency: seconds(100), // RFC 7252 §4.8.2
  processingDelay: milliseconds(500), // ours: leaves 1.5 s of ACK_TIMEOUT to the way there and back
  probingRate: 1, // RFC 7252 §4.8
  probingBurst: 4_096, // ours: the rate is an average (§4.7); some notifications must fit before it
  timeout: 'fixed',
});

/**
 * For NB-IoT and other links whose answers take seconds: the defaults would send each message again before its answer
 * can be there. Giving up takes up to 465 s then, and EXCHANGE_LIFETIME is 435 s.
 */
export const SLOW_LINK_TRANSMISSION: TransmissionParameters = Object.freeze({
  ...DEFAULT_TRANSMISSION,
  ackTimeout: seconds(10), // 3GPP TR 45.820: what cellular IoT aims at for a report
  processingDelay: seconds(2), // ours: a separate response costs a message more, so wait longer for the handler
});

/** The defaults with what is given. @throws RangeError naming the parameter: with some values nothing would ever be sent */
export function checkedTransmission(given: Partial<TransmissionParameters> = {}): TransmissionParameters {
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  const p: TransmissionParameters = { ...DEFAULT_TRANSMISSION, ...Object.fromEntries(known) };
  const expect = (fine: boolean, name: keyof TransmissionParameters, expected: string): void => {
    if (!fine) throw new RangeError(`transmission.${name}: expected ${expected}, found ${p[name]}`);
  };
  expect(p.ackTimeout > 0 && Number.isFinite(p.ackTimeout), 'ackTimeout', 'a finite duration above 0');
  expect(p.ackRandomFactor >= 1 && Number.isFinite(p.ackRandomFactor), 'ackRandomFactor', 'a finite number from 1');
  expect(Number.isInteger(p.maxRetransmit) && p.maxRetransmit >= 0, 'maxRetransmit', 'an integer from 0');
  expect(p.maxRetransmit <= MOST_RETRANSMIT, 'maxRetransmit', `at most ${MOST_RETRANSMIT}`);
  expect(Number.isInteger(p.nstart) && p.nstart >= 1, 'nstart', 'an integer from 1');
  expect(p.maxLatency >= 0 && Number.isFinite(p.maxLatency), 'maxLatency', 'a finite duration');
  expect(p.probingRate > 0, 'probingRate', 'a number above 0');
  expect(p.probingBurst >= 0, 'probingBurst', 'a number from 0');
  expect(p.timeout === 'fixed' || p.timeout === 'cocoa', 'timeout', 'fixed or cocoa');
  expect(p.processingDelay >= 0 && p.processingDelay < p.ackTimeout, 'processingDelay', 'less than ackTimeout');
  return p;
}

const MOST_RETRANSMIT = 20; // ours: doubled so often, the default 2 s are three weeks

/** From the first transmission to the last one (RFC 7252 §4.8.2): 45 s by default. */
export function maxTransmitSpan(p: TransmissionParameters): Duration {
  return milliseconds(p.ackTimeout * (2 ** p.maxRetransmit - 1) * p.ackRandomFactor);
}

/** From the first transmission to giving up (RFC 7252 §4.8.2): 93 s by default. */
export function maxTransmitWait(p: TransmissionParameters): Duration {
  return milliseconds(p.ackTimeout * (2 ** (p.maxRetransmit + 1) - 1) * p.ackRandomFactor);
}

/** There and back, with the peer's processing, taken as ACK_TIMEOUT (RFC 7252 §4.8.2): 202 s by default. */
export function maxRoundTrip(p: TransmissionParameters): Duration {
  return milliseconds(2 * p.maxLatency + p.ackTimeout);
}

/** How long a message id of a confirmable message must not be used again (RFC 7252 §4.8.2): 247 s by default. */
export function exchangeLifetime(p: TransmissionParameters): Duration {
  return milliseconds(maxTransmitSpan(p) + maxRoundTrip(p));
}

/** How long a message id of a non-confirmable message must not be used again (RFC 7252 §4.8.2): 145 s by default. */
export function nonLifetime(p: TransmissionParameters): Duration {
  return milliseconds(maxTransmitSpan(p) + p.maxLatency);
}
