/**
 * Aborted by the first SIGINT or SIGTERM. On a terminal Pulumi gets Ctrl-C, too, and rolls back the move under way; a signal that is sent
 * to this process alone lets that move end. The second one ends this process at once: the next run cleans up.
 */
export function onInterruption(say: (line: string) => void): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130);
      say("Interrupted: it ends as soon as the move that is under way is over. Once more ends it at once.");
      controller.abort();
    });
  }
  return controller.signal;
}
