// The diagram beside the registration machine is drawn from its table: `UPDATE_DIAGRAMS=1` writes it anew.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { REGISTRATION_TRANSITIONS } from '../../lib/client/index.ts';

const FILE = path.resolve('lib/client/registration.md'); // of the source, also where the specs run compiled

const HEAD = `# Registration

Drawn from \`REGISTRATION_TRANSITIONS\` in \`registration.ts\` (\`UPDATE_DIAGRAMS=1 npm test\` draws it anew).

\`begin\`: connect. \`fresh\`, \`known\`: connected, and the server does not know us, or does. \`accepted\`: 2.01 or 2.04.
\`again\`: Register once more, because an Update was refused or another version is to be tried. \`retry\`: back off, or stay
away while disabled. \`exhausted\`: no attempt is left. \`due\`: an Update is to be sent. \`leave\`: De-register. \`halt\`: stop.
`;

function drawn(): string {
  const lines = Object.entries(REGISTRATION_TRANSITIONS).flatMap(([from, signals]) =>
    Object.entries(signals).map(([signal, to]) => `  ${from} --> ${to}: ${signal}`),
  );
  return `${HEAD}\n\`\`\`mermaid\nstateDiagram-v2\n  [*] --> idle\n${lines.join('\n')}\n\`\`\`\n`;
}

describe('registration diagram', () => {
  it('shows the table as it is', () => {
    if (process.env['UPDATE_DIAGRAMS'] === '1') writeFileSync(FILE, drawn());
    assert.equal(readFileSync(FILE, 'utf8'), drawn());
  });

  it('has no state without a way in, and none without a way out', () => {
    const targets = new Set(
      Object.values(REGISTRATION_TRANSITIONS).flatMap((signals) => Object.values<string>(signals)),
    );
    for (const [state, signals] of Object.entries(REGISTRATION_TRANSITIONS)) {
      assert.ok(targets.has(state), `${state} is never reached`);
      assert.ok(Object.keys(signals).length > 0, `${state} is never left`);
    }
  });
});
