// Tells what is seen on the wire, a line for each record, and explains each mechanism where it is first seen.

import type { DtlsRecord, Piece } from './anatomy.ts';
import type { Side, Sighting } from './weather.ts';

const EXPLANATIONS = {
  lost: `Loss. UDP tells nobody, and DTLS does not acknowledge the messages of a handshake either: whoever hears nothing for
a second, then for two, then four, sends its last flight again.`,
  again: `Retransmission. The message keeps its number, by which a repetition is known. The record has a new one, for no
record number is ever used twice.`,
  cookie: `Cookie. Anybody can write any sender into a datagram. So the server first sends a cookie to that address, computed
from the hello and a secret, and keeps nothing. It does not send this again: the client's next hello brings another.`,
  cookieBack: `The cookie has come back, so the client receives at its address. Only now the server begins a handshake.`,
  piece: `Fragmentation. A datagram carries 228 bytes here, and IP is not to cut it. So a message that is longer goes in
pieces, each in a record of its own, with its place in the whole.`,
  late: `Reordering. What was sent later arrives first. The client puts the pieces together as they come, and keeps whole
messages whose turn has not come.`,
  missing: `One piece is missing, and there is no way to ask for it: the client sends its own flight again, and the server
then all of its. What has come counts, so it does no harm that another piece is lost now.`,
  finished: `Behind ChangeCipherSpec all is encrypted, in a new epoch whose record numbers begin at 0: this is Finished, with a
hash of all messages so far, each once and whole, except for the first hello and the request with the cookie.`,
  early: `ChangeCipherSpec has no message number, so one that comes before its turn is dropped, and Finished has nobody to
read it. Nobody complains either: after a second the client sends its flight again.`,
  answered: `The last flight has no answer, so no timer repeats it. The client's repetition says that it was lost, and it is
sent again: sealed anew, under another record number.`,
} as const;

type Mechanism = keyof typeof EXPLANATIONS;

const ARROWS = { client: 'client ->', server: '<- server' } as const;

export class Narrator {
  readonly lines: string[] = [];
  readonly #explained = new Set<Mechanism>();
  readonly #seen = new Set<string>();
  #overtaken = false;

  /** A datagram. */
  see(sighting: Sighting): void {
    const { by, records, sent } = sighting;
    const mechanisms = new Set<Mechanism>();
    records.forEach((record, at) => {
      const isFirst = at === 0;
      const time = isFirst ? `${sent} ms` : '';
      const arrow = isFirst ? ARROWS[by] : '';
      const number = `${record.epoch}.${record.sequence}`;
      const what = this.#describe(record, by, mechanisms);
      const fate = isFirst ? fateOf(sighting) : '';
      this.#line(`${time.padStart(7)}  ${arrow.padEnd(9)}  ${number.padEnd(4)}  ${what.padEnd(53)} ${fate}`);
    });
    if (sighting.fate !== 'arrives') mechanisms.add(sighting.fate);
    if (by === 'client' && this.#overtaken) mechanisms.add('early');
    this.#overtaken = sighting.fate === 'late';
    for (const mechanism of mechanisms) this.#explain(mechanism);
  }

  /** What a side says that is not on the wire. */
  say(time: number, side: Side, what: string): void {
    this.#line(`${`${time} ms`.padStart(7)}  ${side}: ${what}`);
  }

  #describe({ content }: DtlsRecord, by: Side, mechanisms: Set<Mechanism>): string {
    if (typeof content !== 'string') return this.#handshake(content, by, mechanisms);
    if (content === 'ChangeCipherSpec' && this.#isRepeated(`${by} ${content}`)) {
      mechanisms.add(by === 'server' ? 'answered' : 'again');
    }
    if (content === 'handshake, encrypted') mechanisms.add('finished');
    return content;
  }

  #handshake(piece: Piece, by: Side, mechanisms: Set<Mechanism>): string {
    const { name, number, bytes, offset, length, cookieBytes } = piece;
    const isPiece = length < bytes;
    if (this.#isRepeated(`${by} ${number} ${offset}`)) mechanisms.add(number === 0 ? 'again' : 'missing');
    else if (name === 'HelloVerifyRequest') mechanisms.add('cookie');
    else if (name === 'ClientHello' && cookieBytes > 0) mechanisms.add('cookieBack');
    else if (isPiece) mechanisms.add('piece');
    const cookie = cookieBytes > 0 ? `, cookie of ${cookieBytes} bytes` : '';
    const place = isPiece ? `, bytes ${offset} to ${offset + length - 1} of ${bytes}` : '';
    return `${name}, message ${number}${cookie}${place}`;
  }

  #isRepeated(key: string): boolean {
    const repeated = this.#seen.has(key);
    this.#seen.add(key);
    return repeated;
  }

  #explain(mechanism: Mechanism): void {
    if (this.#explained.has(mechanism)) return;
    this.#explained.add(mechanism);
    this.#line('');
    for (const line of EXPLANATIONS[mechanism].split('\n')) this.#line(`    ${line}`);
    this.#line('');
  }

  /** Never two empty ones. */
  #line(text: string): void {
    if (text !== '' || this.lines.at(-1) !== '') this.lines.push(text.trimEnd());
  }
}

function fateOf({ fate, arrival }: Sighting): string {
  if (fate === 'lost') return 'lost';
  return `arrives at ${arrival} ms${fate === 'late' ? ', late' : ''}`;
}
