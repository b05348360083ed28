// The guide quotes what the program tells, word for word.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { recordsOf } from '../../examples/dtls-mechanisms/anatomy.ts';
import { tellStory } from '../../examples/dtls-mechanisms/story.ts';

const ROOT = path.resolve(import.meta.dirname, path.extname(import.meta.filename) === '.ts' ? '../..' : '../../..');
const README = readFileSync(path.join(ROOT, 'examples', 'dtls-mechanisms', 'README.md'), 'utf8');

describe('examples/dtls-mechanisms', () => {
  it('tells the same each time, and the guide has it', async () => {
    const lines = await tellStory();
    const quoted = /```text\n(.*?)\n```/s.exec(README)?.[1]?.split('\n');
    assert.deepEqual(quoted, lines);
    assert.deepEqual(await tellStory(), lines);
    for (const mechanism of ['Loss', 'Retransmission', 'Cookie', 'Fragmentation', 'Reordering']) {
      assert.ok(
        lines.some((line) => line.startsWith(`    ${mechanism}. `)),
        mechanism,
      );
    }
  });

  it('reads records as RFC 6347 writes them', () => {
    const header = (type: string, epoch: string, sequence: string, length: string): string =>
      `${type} fefd ${epoch} ${sequence} ${length}`;
    const piece = '0b 000129 0002 000071 000003 aabbcc'; // Certificate, 297 bytes, message 2, 3 bytes from 113
    const datagram = [
      header('16', '0000', '000000000007', '000f'),
      piece,
      header('14', '0000', '000000000008', '0001'),
      '01',
      header('16', '0001', '000000000000', '0002'),
      'ffff',
    ];
    const bytes = Buffer.from(datagram.join('').replaceAll(' ', ''), 'hex');
    assert.deepEqual(recordsOf(bytes), [
      {
        epoch: 0,
        sequence: 7,
        content: { name: 'Certificate', number: 2, bytes: 297, offset: 113, length: 3, cookieBytes: 0 },
      },
      { epoch: 0, sequence: 8, content: 'ChangeCipherSpec' },
      { epoch: 1, sequence: 0, content: 'handshake, encrypted' },
    ]);
  });
});
