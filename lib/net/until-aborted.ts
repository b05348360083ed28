// An asynchronous step that ends with its signal, whether or not it heeds it.

/** Runs `start`; rejects as soon as `signal` aborts, with its reason, and leaves the late outcome to nobody. */
export async function untilAborted(signal: AbortSignal, start: () => Promise<void>): Promise<void> {
  signal.throwIfAborted();
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    await Promise.race([start(), aborted]);
    signal.throwIfAborted();
  } finally {
    if (abort !== undefined) signal.removeEventListener('abort', abort);
  }
}
