/** Calls `close` when the signal is aborted, or at once if it has been already. Returns a function that takes this back. */
export function onAbort(signal: AbortSignal, close: () => void): () => void {
  if (signal.aborted) {
    close();
    return () => {};
  }
  signal.addEventListener('abort', close, { once: true });
  return () => signal.removeEventListener('abort', close);
}
