import prometheus from "prom-client";

/** What a keeper has done since it began, as Prometheus reads it. */
export class KeeperMetrics {
  readonly #registry = new prometheus.Registry();
  readonly #looks;
  readonly #updates;
  readonly #silences;
  readonly #lastLook;

  constructor(stack: string) {
    this.#registry.setDefaultLabels({ stack });
    const of = <const T extends string>(name: string, help: string, labelNames: readonly T[]) => ({
      name: `kvm_keeper_${name}`,
      help,
      labelNames,
      registers: [this.#registry],
    });
    this.#looks = new prometheus.Counter(
      of("looks_total", "Looks at the stack's hosts, by how they ended", ["outcome"]),
    );
    this.#updates = new prometheus.Counter(
      of("updates_total", "Updates that it ran, by what for and how they ended", ["for", "outcome"]),
    );
    this.#silences = new prometheus.Gauge(
      of("host_silent_looks", "Looks in a row in which a host was silent", ["host"]),
    );
    this.#lastLook = new prometheus.Gauge(
      of("last_look_timestamp_seconds", "When it last saw what all hosts say", []),
    );
  }

  /** @param silences of hosts that were silent in this look. Absent: it failed. */
  looked(silences?: Readonly<Record<string, number>>): void {
    this.#looks.inc({ outcome: silences ? "done" : "failed" });
    if (!silences) return;
    this.#lastLook.setToCurrentTime();
    this.#silences.reset();
    for (const [host, looks] of Object.entries(silences)) this.#silences.set({ host }, looks);
  }

  updated(what: string, isDone: boolean): void {
    this.#updates.inc({ for: what, outcome: isDone ? "done" : "failed" });
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
