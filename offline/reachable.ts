// Can Pulumi's own downloads be had?

/** How long an answer may take. A machine without a way out often gets none at all. */
const timeoutMs = 4_000;

/** Asks for the head of Pulumi's installer; undefined if it is there, or else why it cannot be had. */
export async function whyUnreachable(url = "https://get.pulumi.com/install.sh"): Promise<string | undefined> {
  try {
    const { ok, status } = await fetch(url, { method: "HEAD", signal: AbortSignal.timeout(timeoutMs) });
    return ok ? undefined : `HTTP status ${status}`;
  } catch (error) {
    const { message, cause } = error as Error & { cause?: Error };
    return cause?.message || message;
  }
}
