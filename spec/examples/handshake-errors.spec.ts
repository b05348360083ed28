// The guide to handshake errors quotes what the code says, word for word: for each failure both are compared.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { failures } from '../../examples/handshake-errors/failures.ts';

const ROOT = path.resolve(import.meta.dirname, path.extname(import.meta.filename) === '.ts' ? '../..' : '../../..');
const README = readFileSync(path.join(ROOT, 'examples', 'handshake-errors', 'README.md'), 'utf8');

interface Section {
  readonly title: string;
  /** The lines of its first block of text. */
  readonly quoted: readonly string[];
  readonly text: string;
}

const sections: readonly Section[] = README.split(/^### /m)
  .slice(1)
  .map((text) => ({
    title: text.split('\n', 1)[0]!,
    quoted: /```text\n(.*?)\n```/s.exec(text)?.[1]?.split('\n') ?? [],
    text,
  }));

describe('examples/handshake-errors', () => {
  it('has a section for each failure, and a failure for each section', () => {
    assert.ok(failures.length > 25);
    assert.deepEqual(
      sections.map(({ title }) => title),
      failures.map(({ title }) => title),
    );
  });

  for (const failure of failures) {
    it(`quotes what is said, which has state and offer: ${failure.title}`, async () => {
      const section = sections.find(({ title }) => title === failure.title);
      const lines = await failure.run();
      assert.deepEqual(section?.quoted, lines);
      assert.match(section.text, /\*\*Cause\.\*\* .+/);
      assert.match(section.text, /\*\*What to do\.\*\* .+/);
      for (const line of lines) {
        if (line === 'server: ECONNABORTED: its listening socket was closed') continue;
        assert.match(line, /(while|tries,) (waiting for|answering)/);
        assert.match(line, /(we|the client) offered (DTLS 1\.[02]) with 0x/);
      }
    });
  }
});
