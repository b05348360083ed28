import assert from 'node:assert/strict';
import {
  DEFAULT_TRANSMISSION,
  type TransmissionParameters,
  checkedTransmission,
  exchangeLifetime,
  maxRoundTrip,
  maxTransmitSpan,
  maxTransmitWait,
  nonLifetime,
} from '../../lib/coap/index.ts';

describe('transmission parameters', () => {
  it('give the derived times of RFC 7252 §4.8.2', () => {
    const p = DEFAULT_TRANSMISSION;
    const all = [maxTransmitSpan(p), maxTransmitWait(p), maxRoundTrip(p), exchangeLifetime(p), nonLifetime(p)];
    assert.deepEqual(all, [45_000, 93_000, 202_000, 247_000, 145_000]);
  });

  it('are the defaults where nothing is given', () => {
    assert.deepEqual(checkedTransmission(), DEFAULT_TRANSMISSION);
    assert.deepEqual(checkedTransmission({ nstart: undefined } as never), DEFAULT_TRANSMISSION);
  });

  it('with which nothing would be sent, or all at once, are refused by name', () => {
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ nstart: 0 }, /transmission\.nstart: expected an integer from 1, found 0/],
      [{ nstart: Number.NaN }, /nstart/],
      [{ ackTimeout: 0 }, /ackTimeout: expected a finite duration above 0, found 0/],
      [{ ackTimeout: '2' }, /processingDelay|ackTimeout/],
      [{ ackRandomFactor: 0.5 }, /ackRandomFactor/],
      [{ maxRetransmit: -1 }, /maxRetransmit/],
      [{ maxRetransmit: 1_000 }, /maxRetransmit: expected at most 20/],
      [{ maxLatency: Number.POSITIVE_INFINITY }, /maxLatency/],
      [{ processingDelay: 2_000 }, /processingDelay: expected less than ackTimeout/],
    ];
    for (const [given, message] of wrong) {
      assert.throws(() => checkedTransmission(given as Partial<TransmissionParameters>), {
        name: 'RangeError',
        message,
      });
    }
  });
});
