import { join } from "node:path";
import type { GuestOutput } from "../components/outputs.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { withFleet } from "../fleet/observe.ts";
import { progressCommand, progressFile, workloadUnit } from "../guests/workload.ts";
import { cutPower } from "../lab/cut-power.ts";
import { guestAddress } from "../libvirt/guest-address.ts";
import { joinLoad } from "../load/join.ts";
import { failoverFile, readFailoverRecords } from "../moves/failover-record.ts";
import { powerFile, readPowerRecords } from "../moves/power-record.ts";
import type { MigrationRecord } from "../moves/record.ts";
import { readRecords, resultsFile } from "../moves/results.ts";
import { parseWorkLog } from "../moves/work-done.ts";
import { readLoad } from "../stacks/asking/ask-load.ts";
import type { StackInput } from "../stacks/config.ts";
import { hostLoad, isOn } from "./decided-turn.ts";
import { type GuestAnswer, runInGuest } from "./guest-shell.ts";
import { loads, shapeLink } from "./machines.ts";
import { progressThrough, type RunProgress, stopOf, throughputSince } from "./progress-log.ts";
import type { Outputs, PulumiStack } from "./pulumi-stack.ts";
import type { ExperimentTestbed, Observed, Update, Working } from "./testbed.ts";

/** Why a workload could not begin. */
const problemFile = "/run/testbed/problem";

/** The kernel's own switch for all processes of the workload: what they keep in memory stays there, and they notice nothing. */
const freezer = `set -e; freezer=/sys/fs/cgroup$(systemctl show --property ControlGroup --value ${workloadUnit})/cgroup.freeze`;

/** How long a workload may take from its guest's boot until it runs steadily: an emulated guest fills its tables slowly. */
const haltMs = 1_800_000;
/** Two lines: during the first second it was only starting. */
const haltScript = `until [ "$(${progressCommand(2)} 2>/dev/null | wc -l)" -ge 2 ]; do
  [ ! -s ${problemFile} ] || { cat ${problemFile} >&2; exit 1; }
  sleep 1
done
${freezer}
echo 1 | sudo tee "$freezer" >/dev/null`;

/** A stack that is up, and its machines. */
export class LiveTestbed implements ExperimentTestbed {
  readonly #project: string;
  readonly #stack: PulumiStack;
  #guests: Outputs["guests"] = {};
  #hosts: Outputs["hosts"] = {};
  #fleet: Promise<Fleet> | undefined;

  /** @param project the project's folder; it must be the working directory, which keys' paths are relative to */
  constructor(project: string, stack: PulumiStack) {
    this.#project = project;
    this.#stack = stack;
  }

  async up(config: StackInput, moving?: readonly string[]): Promise<Update> {
    const { hosts, guests, policy, updateMs } = await this.#stack.up(config, moving);
    this.#guests = guests;
    this.#hosts = hosts;
    return { hosts, places: placesOf(guests), updateMs, ...(policy && { policy }) };
  }

  async places(): Promise<Record<string, string>> {
    this.#guests = (await this.#stack.outputs())?.guests ?? {};
    return placesOf(this.#guests);
  }

  async records(guest: string): Promise<MigrationRecord[]> {
    const file = join(this.#project, resultsFile(this.#stack.name));
    const all = await readRecords(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    return all?.records.filter((record) => record.guest === guest) ?? [];
  }

  async loads(): Promise<Record<string, number>> {
    return loads(await this.#machines());
  }

  async rest(guest: string): Promise<void> {
    await this.#inGuest(guest, "halting the workload", haltScript, haltMs);
  }

  async work(guest: string): Promise<Working> {
    const { offsetMs } = await this.#inGuest(
      guest,
      "letting the workload go on",
      `${freezer}; echo 0 | sudo tee "$freezer" >/dev/null`,
    );
    return { sinceMs: Date.now(), offsetMs };
  }

  async progress(record: MigrationRecord, { sinceMs, offsetMs }: Working): Promise<RunProgress | undefined> {
    const stop = stopOf(record);
    if (!stop) return undefined;
    const answer = await this.#inGuest(record.guest, "reading the workload's log", progressCommand());
    return progressThrough(parseWorkLog(answer.stdout), {
      ...stop,
      workingMs: sinceMs,
      offsetBeforeMs: offsetMs,
      offsetAfterMs: answer.offsetMs,
    });
  }

  async observe(sinceMs: number): Promise<Observed> {
    const { hosts } = await this.#machines();
    const on = Object.keys(this.#hosts).filter((name) => isOn(this.#hosts[name]));
    const seconds = (Date.now() - sinceMs) / 1000;
    const targets = on.flatMap((name) => hosts[name]?.ssh ?? []);
    const load = joinLoad(await readLoad(targets, { windowMinutes: seconds / 60 }));
    const guests = Object.entries(this.#guests);
    const hostLoads = on.map((name) => {
      const own = guests.filter(([, { host }]) => host === name);
      return [
        name,
        hostLoad(
          own.map(([, { uuid }]) => uuid),
          load,
          name,
        ),
      ] as const;
    });
    return { seconds, hosts: Object.fromEntries(hostLoads), guests: await this.#throughputs(sinceMs) };
  }

  async #throughputs(sinceMs: number): Promise<Observed["guests"]> {
    const told = await Promise.all(
      Object.keys(this.#guests).map(async (name) => {
        const { stdout, offsetMs } = await this.#inGuest(
          name,
          "reading the workload's log",
          `[ ! -s ${progressFile} ] || ${progressCommand()}`,
        );
        const throughput = throughputSince(parseWorkLog(stdout), sinceMs + offsetMs);
        return throughput ? [[name, throughput] as const] : [];
      }),
    );
    return Object.fromEntries(told.flat());
  }

  cut(host: string): Promise<void> {
    return cutPower(this.#stack.name, host);
  }

  async happened(since: Date): ReturnType<ExperimentTestbed["happened"]> {
    const later = <T extends { at: string }>(records: readonly T[]) =>
      records.filter(({ at }) => Date.parse(at) >= since.getTime());
    const [failovers, switched] = await Promise.all([
      readFailoverRecords(join(this.#project, failoverFile(this.#stack.name))),
      readPowerRecords(join(this.#project, powerFile(this.#stack.name))),
    ]);
    return { failovers: later(failovers), switched: later(switched) };
  }

  async shape(linkMiBps: number | undefined): Promise<void> {
    await shapeLink(await this.#machines(), linkMiBps);
  }

  #machines(): Promise<Fleet> {
    // It does not change in an experiment.
    this.#fleet ??= this.#stack.fleet();
    return this.#fleet;
  }

  #guest(name: string): GuestOutput {
    const guest = this.#guests[name];
    if (!guest) throw new Error(`guest ${name} is not in the outputs of stack ${this.#stack.name}`);
    return guest;
  }

  async #inGuest(name: string, doing: string, command: string, timeoutMs?: number): Promise<GuestAnswer> {
    const { user, host, uuid, address } = this.#guest(name);
    const fleet = await this.#machines();
    const known =
      address || (await withFleet(fleet, (sessions) => guestAddress(sessions.host(host), name, uuid)));
    if (!known) throw new Error(`${doing} in guest ${name}: nobody knows the address that it got by DHCP`);
    const login = {
      guest: name,
      address: known,
      user,
      privateKeyFile: join(this.#project, ".testbed", this.#stack.name, "id_ed25519"),
      jump: fleet.storage.ssh,
    };
    return runInGuest(login, doing, command, timeoutMs);
  }
}

const placesOf = (guests: Outputs["guests"]): Record<string, string> =>
  Object.fromEntries(Object.entries(guests).map(([name, { host }]) => [name, host]));
