import { clearIntent, type Intent, writeIntent } from "../../fleet/intent.ts";
import type { SshSession } from "../../ssh/session.ts";

/** The intent record of a move under way: what this run knows of it, and what a run that takes over finds on the storage host. */
export class IntentRecord {
  readonly #storage: SshSession;
  readonly #path: string;
  #now: Intent;

  constructor(storage: SshSession, path: string, intent: Intent) {
    this.#storage = storage;
    this.#path = path;
    this.#now = intent;
  }

  get now(): Intent {
    return this.#now;
  }

  /** Writes down, before it matters, what a run that takes over must know. This run goes by it even if it could not be written. */
  async note(change: Partial<Pick<Intent, "phase" | "disk">> = {}): Promise<void> {
    this.#now = { ...this.#now, ...change };
    await writeIntent(this.#storage, this.#path, this.#now);
  }

  async clear(): Promise<void> {
    await clearIntent(this.#storage, this.#path);
  }
}
