// Tells the story of one handshake: `node --import tsx examples/dtls-mechanisms/main.ts`.

import { tellStory } from './story.ts';

for (const line of await tellStory()) console.log(line);
