// Requests against real objects: every operation, every refusal, and bytes nobody expects.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CONTENT_FORMATS } from '../../lib/formats/index.ts';
import {
  type IncomingRequest,
  METHODS,
  type Method,
  type OutgoingResponse,
  RESPONSE_CODES,
} from '../../lib/coap/index.ts';
import { type Log, VirtualTime, silentLog } from '../../lib/runtime/index.ts';
import { ModelError, Path, defineObject } from '../../lib/model/index.ts';
import { createDevice, createTemperature } from '../../lib/objects/index.ts';
import { fromHex, utf8Decode, utf8Encode } from '../../lib/bytes/index.ts';
import { AttributeStore } from '../../lib/client/attribute-store.ts';
import { Dispatcher } from '../../lib/client/dispatch.ts';
import type { LwM2mVersion } from '../../lib/client/registration-parameters.ts';
import { DEFAULT_HANDLER_TIMEOUT, Patience } from '../../lib/client/patience.ts';
import { ObjectSet } from '../../lib/client/object-set.ts';
import { formatResponseCode } from '../../lib/client/index.ts';

const Room = defineObject({
  id: 32_769,
  name: 'Room',
  version: '2.1',
  multiple: true,
  resources: {
    label: { id: 1, name: 'Label', operations: 'RW', type: 'string', mandatory: true },
    seats: { id: 2, name: 'Seats', operations: 'RW', type: 'integer', range: [0, 100] },
    names: { id: 3, name: 'Names', operations: 'RW', type: 'string', multiple: true },
    secret: { id: 4, name: 'Secret', operations: 'W', type: 'opaque' },
    open: { id: 5, name: 'Open', operations: 'E', type: 'none' },
    slow: { id: 6, name: 'Slow', operations: 'R', type: 'float' },
    broken: { id: 7, name: 'Broken', operations: 'R', type: 'float' },
  },
});

interface Setup {
  readonly ask: (method: Method, path: string, more?: Partial<IncomingRequest>) => Promise<string>;
  readonly handle: Dispatcher['handle'];
  readonly opened: ReadonlyMap<number, string | undefined>[];
  readonly rooms: ReturnType<typeof makeRooms>;
  readonly attributes: AttributeStore;
  readonly logged: string[];
}

function makeRooms(opened: ReadonlyMap<number, string | undefined>[]) {
  return Room.create(
    {
      0: {
        label: 'hall',
        names: { 0: 'Red', 1: 'Green' },
        secret: Uint8Array.of(1),
        open: (args) => void opened.push(args),
        slow: async () => 1.5,
      },
    },
    { instanceTemplate: () => ({ label: 'new' }), deletable: true },
  );
}

function setup(version: LwM2mVersion | undefined = '1.1'): Setup {
  const opened: ReadonlyMap<number, string | undefined>[] = [];
  const logged: string[] = [];
  const note = (fields: object | string, message?: string): void =>
    void logged.push(`${JSON.stringify(fields)} ${message}`);
  const log: Log = { ...silentLog, error: note, debug: note };
  const rooms = makeRooms(opened);
  const attributes = new AttributeStore();
  const time = new VirtualTime();
  const { handle } = new Dispatcher({
    objects: new ObjectSet([
      rooms,
      createDevice({ manufacturer: 'x', reboot() {} }),
      createTemperature({ 0: { sensorValue: 1 } }),
    ]),
    attributes,
    log,
    patience: new Patience(DEFAULT_HANDLER_TIMEOUT, { clock: time, timers: time }),
    version: () => version,
    preferredFormat: undefined,
    observe: () => undefined,
    attributesChanged: () => undefined,
  });
  const ask = async (method: Method, path: string, more: Partial<IncomingRequest> = {}): Promise<string> =>
    shown(await handle(request(method, path, more)));
  return { ask, handle, opened, rooms, attributes, logged };
}

function request(method: Method, path: string, more: Partial<IncomingRequest> = {}): IncomingRequest {
  return {
    method,
    path: path.split('/').filter((part) => part !== ''),
    query: [],
    accept: undefined,
    contentFormat: undefined,
    options: [],
    payload: new Uint8Array(0),
    confirmable: true,
    token: Uint8Array.of(1),
    acceptObservation: undefined,
    cancelsObservation: false,
    ...more,
  };
}

/** `2.05 text` */
function shown(response: OutgoingResponse | undefined): string {
  if (response === undefined) return 'nothing';
  const text =
    response.payload === undefined || response.payload.length === 0 ? '' : ` ${utf8Decode(response.payload)}`;
  const location = response.locationPath === undefined ? '' : ` /${response.locationPath.join('/')}`;
  return `${formatResponseCode(response.code)}${location}${text}`;
}

const text = (value: string): Partial<IncomingRequest> => ({ contentFormat: 0, payload: utf8Encode(value) });
const senml = (value: unknown): Partial<IncomingRequest> => ({
  contentFormat: CONTENT_FORMATS.senmlJson,
  payload: utf8Encode(JSON.stringify(value)),
});
const tlv = (hex: string): Partial<IncomingRequest> => ({ contentFormat: CONTENT_FORMATS.tlv, payload: fromHex(hex) });
const R = '/32769';

describe('dispatch', () => {
  it('reads', async () => {
    const { ask } = setup();
    assert.equal(await ask('GET', `${R}/0/1`), `2.05 [{"bn":"${R}/0/1","vs":"hall"}]`);
    assert.equal(await ask('GET', `${R}/0/1`, { accept: 0 }), '2.05 hall');
    assert.equal(await ask('GET', `${R}/0/3/1`, { accept: 0 }), '2.05 Green');
    assert.equal(await ask('GET', `${R}/0/6`, { accept: 0 }), '2.05 1.5', 'asynchronous');
    assert.equal(await setup('1.0').ask('GET', `${R}/0/1`), '2.05 hall', '1.0 answers text');
  });

  it('answers with what its format cannot say in another one, unless that format was asked for', async () => {
    for (const [version, path, format] of [
      ['1.2', `${R}/0/7`, CONTENT_FORMATS.lwm2mCbor],
      ['1.2', `${R}/0`, CONTENT_FORMATS.lwm2mCbor],
      ['1.1', `${R}/0/7`, CONTENT_FORMATS.cbor],
      ['1.1', `${R}/0`, CONTENT_FORMATS.tlv],
      ['1.0', `${R}/0/7`, CONTENT_FORMATS.tlv],
    ] as const) {
      const { ask, handle, rooms } = setup(version);
      rooms.set(0, 'broken', Number.NaN);
      const response = await handle(request('GET', path));
      assert.deepEqual(
        [response?.code, response?.contentFormat],
        [RESPONSE_CODES.content, format],
        `${version} ${path}`,
      );
      const accept = version === '1.0' ? CONTENT_FORMATS.text : CONTENT_FORMATS.senmlJson;
      assert.equal(await ask('GET', `${R}/0/7`, { accept }), '4.06');
    }
  });

  it('refuses reads with the right code and without a word', async () => {
    const { ask } = setup();
    assert.equal(await ask('GET', '/'), '4.05');
    assert.equal(await ask('GET', '/9999'), '4.04');
    assert.equal(await ask('GET', `${R}/1`), '4.04');
    assert.equal(await ask('GET', `${R}/0/2`), '4.04', 'not there');
    assert.equal(await ask('GET', `${R}/0/99`), '4.04');
    assert.equal(await ask('GET', `${R}/0/3/7`), '4.04');
    assert.equal(await ask('GET', `${R}/0/5`), '4.05', 'executable');
    assert.equal(await ask('GET', `${R}/0/4`), '4.05', 'write-only');
    assert.equal(await ask('GET', `${R}/0`, { accept: 0 }), '4.06');
    assert.equal(await ask('GET', `${R}/0`, { accept: 12_345 }), '4.06');
    assert.equal(await ask('GET', '/.well-known/core'), '4.04');
    assert.equal(await ask('GET', '/1/2/3/4/5'), '4.04');
    assert.equal(await ask('GET', '/0/0/5'), '4.01');
    assert.equal(await ask('FETCH', '/'), '4.15', 'without a Content-Format');
    assert.equal(await ask('PATCH', '/'), '4.05');
    assert.equal(await setup('1.0').ask('FETCH', '/', { contentFormat: 110 }), '4.05');
  });

  it('reads an instance without what is not readable', async () => {
    const { ask } = setup();
    const all = await ask('GET', `${R}/0`);
    assert.equal(
      all,
      `2.05 [{"bn":"${R}/0/","n":"1","vs":"hall"},{"n":"3/0","vs":"Red"},{"n":"3/1","vs":"Green"},{"n":"6","v":1.5}]`,
    );
  });

  it('says nothing of an error inside, and logs no more than its kind', async () => {
    const { ask, rooms, logged } = setup();
    rooms.set(0, 'broken', () => {
      throw new TypeError('the password is swordfish');
    });
    assert.equal(await ask('GET', `${R}/0/7`), '5.00');
    assert.ok(logged.some((line) => line.includes('TypeError')));
    assert.ok(!logged.join().includes('swordfish'));
  });

  it('writes a resource, replacing it', async () => {
    const { ask, rooms } = setup();
    assert.equal(await ask('PUT', `${R}/0/2`, text('12')), '2.04');
    assert.equal(rooms[0].seats, 12);
    assert.equal(await ask('PUT', `${R}/0/1`, { payload: utf8Encode('plain') }), '2.04', 'no Content-Format: text');
    assert.equal(rooms[0].label, 'plain');
    assert.equal(await ask('PUT', `${R}/0/3/1`, text('Blue')), '2.04', 'one resource instance');
    assert.deepEqual(rooms[0].names, { 0: 'Red', 1: 'Blue' });
    assert.equal(
      await ask(
        'PUT',
        `${R}/0/3`,
        senml([
          { bn: `${R}/0/3/`, n: '1', vs: 'Yellow' },
          { n: '3', vs: 'Blue' },
        ]),
      ),
      '2.04',
    );
    assert.deepEqual(rooms[0].names, { 1: 'Yellow', 3: 'Blue' }); // the example of Core 1.2 §6.3.3
  });

  it('updates a multiple resource and an instance by POST', async () => {
    const { ask, rooms } = setup();
    assert.equal(
      await ask(
        'POST',
        `${R}/0/3`,
        senml([
          { bn: `${R}/0/3/`, n: '1', vs: 'Yellow' },
          { n: '3', vs: 'Blue' },
        ]),
      ),
      '2.04',
    );
    assert.deepEqual(rooms[0].names, { 0: 'Red', 1: 'Yellow', 3: 'Blue' }); // the example of Core 1.2 §6.3.3
    assert.equal(
      await ask(
        'POST',
        `${R}/0`,
        senml([
          { bn: `${R}/0/2`, v: 7 },
          { bn: `${R}/0/99`, v: 1 },
        ]),
      ),
      '2.04',
    );
    assert.equal(rooms[0].seats, 7);
    assert.equal(rooms[0].label, 'hall', 'left alone; and the unknown resource is no error');
  });

  it('replaces an instance by PUT', async () => {
    const { ask, rooms } = setup();
    assert.equal(await ask('PUT', `${R}/0`, tlv('c1 01 78'.replaceAll(' ', ''))), '2.04'); // resource 1 = "x"
    assert.equal(rooms[0].label, 'x');
    assert.equal(rooms[0].names, undefined);
  });

  it('refuses writes, and leaves everything as it was', async () => {
    const { ask, rooms } = setup();
    assert.match(await ask('PUT', `${R}/0/2`, text('many')), /^4\.00 ./);
    assert.match(await ask('PUT', `${R}/0/2`, text('101')), /^4\.00 ./);
    assert.equal(await ask('PUT', `${R}/0/6`, text('1')), '4.05', 'read-only');
    assert.equal(await ask('PUT', `${R}/0/1`, { contentFormat: 12_345, payload: utf8Encode('x') }), '4.15');
    assert.equal(await ask('PUT', `${R}/0`, text('x')), '4.15', 'text of an instance');
    assert.equal(await ask('PUT', R, tlv('c10178')), '4.05');
    assert.equal(await ask('PUT', `${R}/7/1`, text('x')), '4.04');
    assert.equal(await ask('PUT', `${R}/0/3/7`, text('x')), '4.04', 'no such resource instance');
    assert.match(await ask('PUT', `${R}/0`, tlv('c1')), /^4\.00 ./, 'short');
    assert.match(
      await ask(
        'POST',
        `${R}/0`,
        senml([
          { bn: `${R}/0/1`, vs: 'y' },
          { bn: `${R}/0/2`, v: 999 },
        ]),
      ),
      /^4\.00/,
    );
    assert.equal(rooms[0].label, 'hall');
    assert.equal(rooms[0].seats, undefined);
  });

  it('creates and deletes instances', async () => {
    const { ask, rooms } = setup();
    assert.equal(await ask('POST', R), '2.01 /32769/1', 'nothing given: all from the template');
    assert.equal(await ask('POST', R, tlv('c10178')), '2.01 /32769/2', 'resources alone');
    assert.equal(await ask('POST', R, tlv('0307c10179')), '2.01 /32769/7', 'an instance with its id');
    assert.equal(rooms[7]?.label, 'y');
    assert.equal(await ask('POST', R, senml([{ bn: `${R}/9/1`, vs: 'z' }])), '2.01 /32769/9');
    assert.match(await ask('POST', R, senml([{ bn: `${R}/9/1`, vs: 'z' }])), /^4\.00 ./, 'there already');
    assert.equal(await ask('POST', R, tlv('0305c101790306c10179')), '2.01', 'two at once');
    assert.deepEqual([rooms[5]?.label, rooms[6]?.label], ['y', 'y']);
    assert.match(await ask('POST', R, tlv('0308c101790306c10179')), /^4\.00 ./, 'one of two is there already');
    assert.equal(rooms[8], undefined, 'so neither is made');
    assert.equal(await ask('DELETE', `${R}/9`), '2.02');
    assert.equal(await ask('DELETE', `${R}/9`), '4.04');
    assert.equal(await ask('DELETE', R), '4.05');
    assert.equal(await ask('DELETE', `${R}/0/1`), '4.05');
    assert.equal(await ask('DELETE', `${R}/0/3/1`), '4.05', 'came with 1.2');
    const of12 = setup('1.2');
    assert.equal(await of12.ask('DELETE', `${R}/0/3/1`), '2.02');
    assert.deepEqual(of12.rooms[0].names, { 0: 'Red' });
    assert.equal(await of12.ask('DELETE', `${R}/0/3/1`), '4.04');
    assert.equal(await of12.ask('DELETE', `${R}/0/1/0`), '4.04');
    assert.equal(await ask('POST', '/3'), '4.05', 'int-680');
    assert.equal(await ask('DELETE', '/3/0'), '4.05', 'int-685');
  });

  it('executes', async () => {
    const { ask, opened } = setup();
    assert.equal(await ask('POST', `${R}/0/5`), '2.04');
    assert.equal(await ask('POST', `${R}/0/5`, text("2='10.3',7")), '2.04');
    assert.deepEqual(opened, [
      new Map(),
      new Map([
        [2, '10.3'],
        [7, undefined],
      ]),
    ]);
    assert.match(await ask('POST', `${R}/0/5`, text('x')), /^4\.00 Execute arguments/);
    assert.equal(await ask('POST', `${R}/0/5`, tlv('c10178')), '4.15');
    assert.equal(await ask('POST', `${R}/0/1`), '4.05', 'not executable');
    assert.equal(await ask('POST', `${R}/0/3/1`), '4.05');
    assert.equal(await ask('POST', `${R}/0/99`), '4.04');
    assert.equal(opened.length, 2);
  });

  it('discovers with attributes, as the examples of Core 1.2 §6.3.2', async () => {
    const { ask } = setup('1.2');
    assert.equal(await ask('PUT', R, { query: ['pmin=10'] }), '2.04');
    assert.equal(await ask('PUT', `${R}/0`, { query: ['pmax=60'] }), '2.04');
    const accept = CONTENT_FORMATS.coreLink;
    const links = `<${R}/0/1>,<${R}/0/3>;dim=2,<${R}/0/4>,<${R}/0/5>,<${R}/0/6>`;
    assert.equal(await ask('GET', R, { accept }), `2.05 <${R}>;ver=2.1;pmin=10,<${R}/0>;pmax=60,${links}`);
    assert.equal(await ask('GET', `${R}/0`, { accept }), `2.05 <${R}/0>;pmin=10;pmax=60,${links}`);
    assert.equal(await ask('GET', `${R}/0`, { accept, query: ['depth=0'] }), `2.05 <${R}/0>;pmin=10;pmax=60`);
    assert.equal(
      await ask('GET', `${R}/0/3`, { accept }),
      `2.05 <${R}/0/3>;dim=2;pmin=10;pmax=60,<${R}/0/3/0>,<${R}/0/3/1>`,
    );
    assert.equal(await ask('GET', R, { accept, query: ['depth=1'] }), `2.05 <${R}>;ver=2.1;pmin=10,<${R}/0>;pmax=60`);
    assert.match(await ask('GET', R, { accept, query: ['depth=9'] }), /^4\.00/);
    assert.equal(await ask('GET', `${R}/5`, { accept }), '4.04');
    assert.equal(await ask('GET', '/', { accept }).then((all) => all.startsWith('2.05 </>;rt="oma.lwm2m"')), true);
  });

  it('writes attributes, or refuses them', async () => {
    const { ask, attributes } = setup();
    const at = Path.of(3303, 0, 5700);
    assert.equal(await ask('PUT', '/3303/0/5700', { query: ['pmin=5', 'gt=25.5', 'lt=-10', 'st=0.5'] }), '2.04');
    assert.deepEqual(attributes.effective(at), { pmin: 5, gt: 25.5, lt: -10, st: 0.5 });
    assert.match(await ask('PUT', '/3303/0/5700', { query: ['gt=-20'] }), /^4\.00 /, 'lt < gt');
    assert.match(await ask('PUT', '/3303/0/5700', { query: ['pmin=x'] }), /^4\.00 /);
    assert.match(await ask('PUT', '/3303/0/5700', { query: ['volume=11'] }), /^4\.00 /);
    assert.match(await ask('PUT', `${R}/0/1`, { query: ['gt=1'] }), /^4\.00 /, 'a string has no limits');
    assert.match(await ask('PUT', '/3303/0', { query: ['st=1'] }), /^4\.00 /, 'not at an instance');
    assert.equal(await ask('PUT', '/3303/7', { query: ['pmin=1'] }), '4.04');
    assert.deepEqual(attributes.effective(at), { pmin: 5, gt: 25.5, lt: -10, st: 0.5 });
    assert.equal(await ask('PUT', '/3303/0/5700', { query: ['gt', 'pmin'] }), '2.04', 'unset');
    assert.deepEqual(attributes.effective(at), { lt: -10, st: 0.5 });
  });

  it('ignores everything before Register is answered', async () => {
    const dispatcher = setup('1.1');
    assert.notEqual(await dispatcher.ask('GET', `${R}/0/1`), 'nothing');
    const time = new VirtualTime();
    const early = new Dispatcher({
      objects: new ObjectSet([dispatcher.rooms]),
      attributes: new AttributeStore(),
      log: silentLog,
      patience: new Patience(DEFAULT_HANDLER_TIMEOUT, { clock: time, timers: time }),
      version: () => undefined,
      preferredFormat: undefined,
      observe: () => undefined,
      attributesChanged: () => undefined,
    });
    for (const method of Object.keys(METHODS) as Method[]) {
      assert.equal(early.handle(request(method, `${R}/0/1`, text('x'))), undefined, method);
    }
    assert.equal(dispatcher.rooms[0].label, 'hall');
  });

  it('maps every refusal of the model', async () => {
    const expected = {
      badRequest: '4.00',
      unauthorized: '4.01',
      notFound: '4.04',
      methodNotAllowed: '4.05',
      notAcceptable: '4.06',
      conflict: '4.09',
      unsupportedContentFormat: '4.15',
      internal: '5.00',
    } as const;
    for (const [reason, code] of Object.entries(expected)) {
      const { ask, rooms } = setup();
      rooms.set(0, 'broken', () => {
        throw new ModelError(reason as keyof typeof expected, 'why');
      });
      assert.equal(await ask('GET', `${R}/0/7`), reason === 'badRequest' ? '4.00 why' : code);
    }
  });

  it('answers any bytes at any path with a code, and never 5.xx', async () => {
    const paths = fc.oneof(
      fc.constantFrom(
        '',
        R,
        `${R}/0`,
        `${R}/0/1`,
        `${R}/0/2`,
        `${R}/0/3`,
        `${R}/0/3/1`,
        `${R}/0/5`,
        '/3/0',
        '/0/0',
        '/3303',
      ),
      fc
        .array(
          fc.string({ maxLength: 6 }).map((part) => part.replaceAll('/', '')),
          { maxLength: 6 },
        )
        .map((parts) => parts.join('/')),
    );
    const formats = fc.option(fc.constantFrom(0, 40, 42, 60, 110, 112, 11_542, 11_543, 65_535), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...(Object.keys(METHODS) as Method[])),
        paths,
        formats,
        formats,
        fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.json().map(utf8Encode)),
        fc.array(fc.string({ maxLength: 12 }), { maxLength: 3 }),
        async (method, path, accept, contentFormat, payload, query) => {
          const { handle } = setup();
          const response = await handle(request(method, path, { accept, contentFormat, payload, query }));
          assert.ok(response !== undefined && response.code < RESPONSE_CODES.internalServerError, `${response?.code}`);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
