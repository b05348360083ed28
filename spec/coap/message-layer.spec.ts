import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fromHex, toHex, utf8Encode } from '../../lib/bytes/index.ts';
import {
  type Inbound,
  type MessageContent,
  MessageLayer,
  type MessageLayerOptions,
  type MessageLayerOutput,
  OPTION,
  decodeMessage,
  encodeMessage,
  exchangeLifetime,
  maxTransmitSpan,
  maxTransmitWait,
  nonLifetime,
  textOption,
} from '../../lib/coap/index.ts';
import { DEFAULT_TRANSMISSION } from '../../lib/coap/transmission.ts';
import { type Instant, NEVER, type RandomSource, SeededRandom } from '../../lib/runtime/index.ts';

type Output = MessageLayerOutput<string>;

const at = (ms: number): Instant => ms as Instant;
const NONE = new Uint8Array(0);
const get = (token = '20'): MessageContent => ({
  code: 0x01,
  token: fromHex(token),
  options: [textOption(OPTION.uriPath, 'temperature')],
  payload: NONE,
});
const content = (token = '20'): MessageContent => ({
  code: 0x45,
  token: fromHex(token),
  options: [],
  payload: utf8Encode('22.3 C'),
});

/** First two bytes: the message id the layer starts with; all later ones 0x80: the middle of any range. */
function startingAt(messageId: number): RandomSource {
  let first = true;
  return {
    bytes(length) {
      const bytes = first ? Uint8Array.of(messageId >> 8, messageId) : new Uint8Array(length).fill(0).fill(0x80, 0, 1);
      first = false;
      return bytes;
    },
  };
}

function makeLayer(options?: MessageLayerOptions, messageId = 0x7d34): MessageLayer<string> {
  return new MessageLayer<string>(startingAt(messageId), options);
}

function outputs(layer: MessageLayer<string>): Output[] {
  const all: Output[] = [];
  for (let output = layer.poll(); output !== undefined; output = layer.poll()) all.push(output);
  return all;
}

/** Transmitted datagrams in hex, other outputs as `kind` with what they carry. */
function told(layer: MessageLayer<string>): string[] {
  return outputs(layer).map((output) => {
    if (output.kind === 'transmit') return toHex(output.bytes);
    if (output.kind === 'acknowledged') return `acknowledged ${output.context}`;
    return output.kind === 'failed' ? `failed ${output.context} ${output.reason}` : output.kind;
  });
}

function inboundOf(layer: MessageLayer<string>): Inbound {
  const [output] = outputs(layer);
  assert.ok(output?.kind === 'request' || output?.kind === 'response');
  assert.ok(output.inbound !== undefined);
  return output.inbound;
}

const TEMPERATURE = 'bb74656d7065726174757265';
const DEGREES = 'ff32322e332043';

describe('Transmission parameters', () => {
  it('gives the times of RFC 7252 §4.8.2', () => {
    assert.equal(maxTransmitSpan(DEFAULT_TRANSMISSION), 45_000);
    assert.equal(maxTransmitWait(DEFAULT_TRANSMISSION), 93_000);
    assert.equal(exchangeLifetime(DEFAULT_TRANSMISSION), 247_000);
    assert.equal(nonLifetime(DEFAULT_TRANSMISSION), 145_000);
  });
});

describe('MessageLayer as a client', () => {
  it('RFC 7252 Figure 17: confirmable request, piggy-backed response', () => {
    const layer = makeLayer({}, 0x7d35);
    layer.send(get(), true, 'a', at(0));
    assert.deepEqual(told(layer), [`41017d3520${TEMPERATURE}`]);
    layer.handleDatagram(fromHex(`61457d3520${DEGREES}`), at(10));
    assert.deepEqual(told(layer), ['acknowledged a', 'response']);
    assert.equal(layer.nextTimeout(), NEVER);
  });

  it('RFC 7252 Figure 20: separate response, acknowledged by us, and again when it is repeated', () => {
    const layer = makeLayer({}, 0x7d38);
    layer.send(get('53'), true, 'a', at(0));
    told(layer);
    layer.handleDatagram(fromHex('60007d38'), at(10));
    assert.deepEqual(told(layer), ['acknowledged a']);
    layer.handleDatagram(fromHex(`4145ad7b53${DEGREES}`), at(3_000));
    layer.acknowledge(inboundOf(layer));
    assert.deepEqual(told(layer), ['6000ad7b']);
    layer.handleDatagram(fromHex(`4145ad7b53${DEGREES}`), at(5_000));
    assert.deepEqual(told(layer), ['6000ad7b'], 'not delivered again');
  });

  it('sends again at exactly the instants of the back-off, then gives up', () => {
    const layer = makeLayer();
    layer.send(get(), true, 'a', at(0));
    told(layer);
    // Half of the range: 2 s · (1 + 0.5 · 0.5) = 2.5 s, doubled each time.
    const instants: number[] = [];
    for (let next = layer.nextTimeout(); next !== NEVER; next = layer.nextTimeout()) {
      layer.handleTimeout(at(next - 0.001));
      assert.deepEqual(told(layer), [], 'nothing before its time');
      layer.handleTimeout(next);
      instants.push(next);
      if (layer.nextTimeout() !== NEVER) assert.deepEqual(told(layer), [`41017d3420${TEMPERATURE}`]);
    }
    assert.deepEqual(instants, [2_500, 7_500, 17_500, 37_500, 77_500]);
    assert.deepEqual(told(layer), ['failed a timeout']);
  });

  it('gives each datagram away: what the socket does to it changes nothing of what is sent again', () => {
    const layer = makeLayer();
    const spoiled = (): string[] =>
      outputs(layer).flatMap((output) => {
        if (output.kind !== 'transmit') return [];
        const hex = toHex(output.bytes);
        output.bytes.fill(0xee);
        return [hex];
      });
    layer.send(get(), true, 'a', at(0));
    const first = spoiled();
    layer.handleTimeout(at(2_500));
    assert.deepEqual(spoiled(), first);
    layer.handleTimeout(at(7_500));
    assert.deepEqual(spoiled(), first);
    layer.handleDatagram(fromHex(`41010001aa${TEMPERATURE}`), at(8_000));
    layer.respond(inboundOf(layer), content('aa'), 'r', at(8_000));
    const answer = spoiled();
    for (let i = 0; i < 2; i++) {
      layer.handleDatagram(fromHex(`41010001aa${TEMPERATURE}`), at(8_000));
      assert.deepEqual(spoiled(), answer);
    }
  });

  it('draws the first wait between ACK_TIMEOUT and ACK_TIMEOUT · ACK_RANDOM_FACTOR', () => {
    const waits = Array.from({ length: 500 }, (_, seed) => {
      const layer = new MessageLayer<string>(new SeededRandom(seed));
      layer.send(get(), true, 'a', at(0));
      return layer.nextTimeout();
    });
    assert.ok(Math.min(...waits) >= 2_000 && Math.min(...waits) < 2_050);
    assert.ok(Math.max(...waits) < 3_000 && Math.max(...waits) > 2_950);
  });

  it('keeps one confirmable message in flight, the others in order behind it', () => {
    const layer = makeLayer();
    for (const name of ['a', 'b', 'c']) layer.send(get(toHex(utf8Encode(name))), true, name, at(0));
    layer.send(get('6e'), false, 'n', at(0));
    assert.deepEqual(
      told(layer).map((hex) => hex.slice(0, 10)),
      ['41017d3461', '51017d356e'],
    );
    layer.handleDatagram(fromHex('60007d34'), at(10));
    assert.deepEqual(
      told(layer).map((hex) => hex.slice(0, 14)),
      [`41017d3662bb74`, 'acknowledged a'],
    );
    layer.handleDatagram(fromHex('70007d36'), at(20));
    assert.deepEqual(told(layer).slice(1), ['failed b reset']);
    assert.deepEqual(layer.load, { inFlight: 1, queued: 0, remembered: 0, unanswered: 0 });
  });

  it('honours another NSTART, and a bound on what waits', () => {
    const layer = makeLayer({ transmission: { nstart: 2 }, maxQueuedMessages: 1 });
    for (const name of ['a', 'b', 'c']) layer.send(get(), true, name, at(0));
    assert.equal(told(layer).length, 2);
    assert.throws(() => layer.send(get(), true, 'd', at(0)), { code: 'ENOBUFS' });
  });

  it('forgets a message that is cancelled, in flight or waiting', () => {
    const layer = makeLayer();
    const [a, b] = ['a', 'b', 'c'].map((name) => layer.send(get(toHex(utf8Encode(name))), true, name, at(0)));
    layer.cancel(b!, at(1));
    layer.cancel(a!, at(1));
    assert.deepEqual(
      told(layer).map((hex) => hex.slice(8, 10)),
      ['61', '63'],
    );
    layer.handleDatagram(fromHex('60007d34'), at(10));
    assert.deepEqual(told(layer), []);
  });

  it('does not take an acknowledgement for another token or an unknown id, nor a Reset that is not empty', () => {
    const layer = makeLayer();
    layer.send(get(), true, 'a', at(0));
    told(layer);
    for (const hex of ['61457d3421', '60007d33', '61017d3420', '71457d3420', '70007d35'])
      layer.handleDatagram(fromHex(hex), at(1));
    assert.deepEqual(told(layer), []);
    assert.equal(layer.load.inFlight, 1);
    assert.equal(layer.counters.unexpected, 5);
  });

  it('hears a Reset to a non-confirmable message, while its id is its own', () => {
    const layer = makeLayer();
    layer.send(get(), false, 'n', at(0));
    told(layer);
    layer.handleDatagram(fromHex('70007d34'), at(1_000));
    layer.handleDatagram(fromHex('70007d34'), at(1_001));
    assert.deepEqual(told(layer), ['failed n reset']);
  });

  it('pings by an empty confirmable message', () => {
    const layer = makeLayer();
    layer.ping('p', at(0));
    assert.deepEqual(told(layer), ['40007d34']);
    layer.handleDatagram(fromHex('70007d34'), at(5));
    assert.deepEqual(told(layer), ['failed p reset']);
  });
});

describe('MessageLayer as a server', () => {
  it('RFC 7252 Figures 18 and 19: a repeated request gets the same answer and is delivered once', () => {
    const layer = makeLayer();
    const request = fromHex(`41017d3631${TEMPERATURE}`);
    layer.handleDatagram(request, at(0));
    layer.respond(inboundOf(layer), content('31'), 'r', at(0));
    const answer = `61457d3631${DEGREES}`;
    assert.deepEqual(told(layer), [answer]);
    layer.handleDatagram(request, at(2_000));
    layer.handleDatagram(request, at(246_999));
    assert.deepEqual(told(layer), [answer, answer]);
    layer.handleDatagram(request, at(247_000));
    assert.deepEqual(told(layer), ['request'], 'after EXCHANGE_LIFETIME the id is free');
  });

  it('RFC 7252 Figure 20: acknowledges alone when the answer takes long, then answers apart', () => {
    const layer = makeLayer({}, 0xad7b);
    layer.handleDatagram(fromHex(`41017d3853${TEMPERATURE}`), at(0));
    const inbound = inboundOf(layer);
    assert.equal(layer.nextTimeout(), 500);
    layer.handleTimeout(at(500));
    assert.deepEqual(told(layer), ['60007d38']);
    layer.handleDatagram(fromHex(`41017d3853${TEMPERATURE}`), at(600));
    assert.deepEqual(told(layer), ['60007d38'], 'a repetition hears the acknowledgement again');
    layer.respond(inbound, content('53'), 'r', at(4_000));
    assert.deepEqual(told(layer), [`4145ad7b53${DEGREES}`]);
    layer.handleDatagram(fromHex('6000ad7b'), at(4_010));
    assert.deepEqual(told(layer), ['acknowledged r']);
  });

  it('RFC 7252 Figure 22: answers a non-confirmable request likewise, and ignores its repetition', () => {
    const layer = makeLayer({}, 0xad7d);
    const request = fromHex(`51017d4075${TEMPERATURE}`);
    layer.handleDatagram(request, at(0));
    layer.respond(inboundOf(layer), content('75'), 'r', at(0));
    assert.deepEqual(told(layer), [`5145ad7d75${DEGREES}`]);
    layer.handleDatagram(request, at(10));
    assert.deepEqual(told(layer), []);
    assert.equal(layer.counters.duplicates, 1);
  });

  it('takes an id used for another request as another request', () => {
    const layer = makeLayer();
    layer.handleDatagram(fromHex(`41017d3631${TEMPERATURE}`), at(0));
    layer.handleDatagram(fromHex(`41017d3632${TEMPERATURE}`), at(1));
    assert.deepEqual(told(layer), ['request', 'request']);
  });

  it('rejects malformed, empty and reserved confirmable messages, and is silent to all others', () => {
    const rejected = ['4f01beef', '40000102', '4020abcd', '40c01111', '4001222280ff', '40013333ff'];
    const ignored = [
      '',
      '40',
      '5f01beef',
      '50000102',
      '80012222',
      '00012222',
      '5020abcd',
      '60201111',
      '70010000',
      '7f',
      'ffffffff',
    ];
    const layer = makeLayer();
    for (const hex of rejected) layer.handleDatagram(fromHex(hex), at(0));
    assert.deepEqual(
      told(layer),
      rejected.map((hex) => `7000${hex.slice(4, 8)}`),
    );
    for (const hex of ignored) layer.handleDatagram(fromHex(hex), at(0));
    assert.deepEqual(told(layer), []);
  });

  it('stays bounded under a flood of requests, pings and garbage', () => {
    const layer = makeLayer({ maxRememberedMessages: 100, maxRememberedBytes: 1_000 });
    const random = new SeededRandom(7);
    for (let i = 0; i < 20_000; i++) {
      const type = (i % 2) as 0 | 1;
      const bytes = i % 3 === 0 ? random.bytes(40) : encodeMessage({ ...get(), type, messageId: i & 0xffff });
      layer.handleDatagram(bytes, at(i));
      layer.handleDatagram(fromHex('40000001'), at(i));
      for (const output of outputs(layer)) {
        if (output.kind === 'request') layer.respond(output.inbound, content(), 'r', at(i));
        else if (output.kind === 'response' && output.inbound !== undefined) layer.reject(output.inbound);
      }
    }
    const { remembered, unanswered, inFlight, queued } = layer.load;
    assert.ok(remembered <= 100, `${remembered}`);
    assert.deepEqual([unanswered, inFlight, queued], [0, 0, 0]);
  });

  it('never throws, whatever arrives, and answers only what asked for it', () => {
    const layer = makeLayer();
    const wild = fc.tuple(fc.constantFrom(0x40, 0x41, 0x50, 0x60, 0x70, 0x44), fc.uint8Array({ maxLength: 60 }));
    fc.assert(
      fc.property(wild, fc.integer({ min: 0, max: 1_000_000 }), ([first, rest], now) => {
        layer.handleDatagram(Uint8Array.of(first, ...rest), at(now));
        layer.handleTimeout(at(now));
        for (const output of outputs(layer)) {
          if (output.kind !== 'transmit') continue;
          const { type, code } = decodeMessage(output.bytes);
          assert.ok((type === 2 || type === 3) && code === 0);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
