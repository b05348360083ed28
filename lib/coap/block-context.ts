// What block-wise transfers of a client share: single exchanges, room in a message, and limits.

import { type Cut, type MessageRoom, fittingCut, splitOverhead } from './block-option.ts';
import type { Untokened } from './content.ts';
import type { RequestTags } from './request-tags.ts';

/** What a transfer needs: single exchanges, and its limits. */
export interface BlockClientContext {
  exchange(content: Untokened): Promise<Untokened>;
  readonly room: MessageRoom;
  readonly tags: RequestTags;
  /** Bytes to keep free for options, at least. */
  readonly optionReserve: number;
  /** Largest body that is accepted whole, in bytes. */
  readonly maxBodyBytes: number;
}

/** A request that has been sent whole, and the beginning of its response. */
export interface Opened {
  /** As it is repeated to ask for further blocks of the response. */
  readonly request: Untokened;
  readonly first: Untokened;
}

/** How a message with these options may carry a part of its body, in blocks no larger than `limit`. */
export function ourCut(content: Untokened, context: BlockClientContext, limit?: number): Cut {
  return fittingCut(context.room, splitOverhead(content, context.optionReserve), limit);
}
