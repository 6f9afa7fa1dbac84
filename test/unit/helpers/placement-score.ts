import { type Cluster, roomMiB } from "../../../placement/terms/cluster.ts";
import { defaultSettings } from "../../../placement/terms/settings.ts";

const { weights, limits, minGain } = defaultSettings;

/** What placement's score is, from nothing but the cluster: slow, and plain to read. */
export function scoreOf(cluster: Cluster, home: Cluster = cluster) {
  const open = cluster.hosts.filter(({ isDrained }) => !isDrained);
  const on = (name: string) => cluster.guests.filter(({ host }) => host === name);
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  const shares = open.map((host) => {
    const { name, memoryMiB = 0, cpus = 1 } = host;
    return {
      memory: (memoryMiB - roomMiB(host) + sum(on(name).map((guest) => guest.memoryMiB))) / memoryMiB,
      vcpus: sum(on(name).map(({ vcpus = 1 }) => vcpus)) / cpus,
      cpu: ((host.busyCpus ?? 0) + sum(on(name).map(({ busyCpus = 0 }) => busyCpus))) / cpus,
      limits: {
        memory: (memoryMiB - 0.05 * roomMiB(host)) / memoryMiB,
        vcpus: limits.vcpuRatio,
        cpu: limits.cpu,
      },
    };
  });
  const names = ["memory", "vcpus", "cpu"] as const;
  const deviation = (values: readonly number[]) => {
    const mean = sum(values) / values.length;
    return values.length === 0
      ? 0
      : Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / values.length);
  };
  const imbalance =
    sum(names.map((name) => weights[name] * deviation(shares.map((share) => share[name])))) /
    sum(Object.values(weights));
  const times = home.guests.flatMap(({ move }) => move?.totalMs ?? []).sort((one, other) => one - other);
  const usual = times[Math.floor(times.length / 2)] ?? 1;
  const prices = cluster.guests.map(({ host, move }, index) =>
    host === home.guests[index]?.host || move === undefined
      ? 0
      : minGain * (move.totalMs / usual + move.downtimeMs / 1000),
  );
  const broken = (isFirm: boolean) =>
    sum(
      (cluster.rules ?? [])
        .filter((rule) => rule.isFirm === isFirm)
        .map((rule) => {
          const places = cluster.guests
            .filter(({ name, host }) => rule.guests.includes(name) && open.some((one) => one.name === host))
            .map(({ host }) => host);
          const hosts = [...new Set(places)];
          const most = Math.max(0, ...hosts.map((host) => places.filter((place) => place === host).length));
          if (rule.kind === "apart") return places.length - hosts.length;
          if (rule.kind === "together") return places.length - most;
          return rule.kind === "on" ? places.filter((host) => !rule.hosts.includes(host)).length : 0;
        }),
    );
  return {
    imbalance,
    total: open.length * imbalance + sum(prices),
    faults: [
      sum(
        open.map((host) => Math.max(0, sum(on(host.name).map((guest) => guest.memoryMiB)) - roomMiB(host))),
      ),
      broken(true),
      sum(shares.flatMap((share) => names.map((name) => Math.max(0, share[name] - share.limits[name])))),
      broken(false),
    ],
  };
}
