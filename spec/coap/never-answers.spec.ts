// Handlers that never settle, or too late: they cost a slot for a time, not for ever.

import assert from 'node:assert/strict';
import { type OutgoingResponse, RESPONSE_CODES } from '../../lib/coap/index.ts';
import { makeRawPeer } from './raw-peer.ts';
import { seconds } from '../../lib/runtime/index.ts';
import { uintOption } from '../../lib/coap/options.ts';

describe('A handler that never answers', () => {
  it('is answered for by 5.03, and its slot is free again', async () => {
    let calm = false;
    const peer = await makeRawPeer({
      maxPendingRequests: 2,
      handler: () => (calm ? { code: RESPONSE_CODES.content } : new Promise<OutgoingResponse>(() => undefined)),
    });
    await peer.say({ token: Uint8Array.of(1) });
    await peer.say({ token: Uint8Array.of(2) });
    await peer.say({ token: Uint8Array.of(3) });
    assert.deepEqual(peer.lines(), ['ACK 0.00', 'ACK 0.00', 'ACK 5.03'], 'no slot is free');
    peer.answer = ({ type }) => (type === 0 ? { code: 0, token: new Uint8Array(0) } : undefined);
    peer.heard.length = 0;
    await peer.time.advance(247_000);
    assert.deepEqual(peer.lines(), ['CON 5.03', 'CON 5.03']);
    calm = true;
    peer.heard.length = 0;
    await peer.say({ token: Uint8Array.of(4) });
    assert.deepEqual(peer.lines(), ['ACK 2.05']);
    peer.connection.close();
    assert.equal(peer.time.pending, 0);
  });

  it('is not heard when it answers after all', async () => {
    let answer: (response: OutgoingResponse) => void = () => undefined;
    const peer = await makeRawPeer({
      handlerTimeout: seconds(10),
      handler: () => new Promise<OutgoingResponse>((resolve) => (answer = resolve)),
    });
    peer.answer = ({ type }) => (type === 0 ? { code: 0, token: new Uint8Array(0) } : undefined);
    await peer.say({});
    await peer.time.advance(10_000);
    answer({ code: RESPONSE_CODES.content });
    await peer.time.advance(10_000);
    assert.deepEqual(peer.lines(), ['ACK 0.00', 'CON 5.03']);
  });

  it('cannot be observed any more', async () => {
    let accept: () => void = () => undefined;
    const peer = await makeRawPeer({
      handlerTimeout: seconds(10),
      handler: (request) =>
        new Promise<OutgoingResponse>((resolve) => {
          accept = () => {
            assert.throws(() => request.acceptObservation?.({ ended: () => undefined }), { code: 'EINVAL' });
            resolve({ code: RESPONSE_CODES.content });
          };
        }),
    });
    peer.answer = ({ type }) => (type === 0 ? { code: 0, token: new Uint8Array(0) } : undefined);
    await peer.say({ options: [uintOption(6, 0)] });
    await peer.time.advance(10_000);
    accept();
    await peer.time.advance(1_000);
    assert.deepEqual(peer.lines(), ['ACK 0.00', 'CON 5.03']);
  });
});
