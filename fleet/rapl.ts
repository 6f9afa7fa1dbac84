/** Between two looks at the counters. */
const apartSeconds = 1;

/**
 * What `parseRapl` reads; bash. Only root may read the counters, and only a machine of one's own has them: in a container or a guest there
 * are none. Zones within a package, and the whole machine's (psys), are in none or in both, and are left out.
 *
 * @param folder where the kernel has its counters
 */
export const raplQuestion = (folder = "/sys/class/powercap"): string => `shopt -s nullglob
look() {
  for zone in ${folder}/intel-rapl:*; do
    read -r name < "$zone/name" 2>/dev/null && [[ $name == package-* ]] || continue
    read -r energy < "$zone/energy_uj" 2>/dev/null && read -r most < "$zone/max_energy_range_uj" 2>/dev/null || continue
    echo "$1 $EPOCHREALTIME $name $energy $most"
  done
}
look first; [ -z "$(look first)" ] || { sleep ${apartSeconds}; look then; }`;

const line = /^(first|then) (\d+[.,]\d+) (\S+) (\d+) (\d+)$/gm;

/** What the packages of a host's CPUs drew, all together. Undefined: it does not say. */
export function parseRapl(printed: string): number | undefined {
  const looks = [...printed.matchAll(line)].map(([, which, at = "", zone, energy, most]) => ({
    ...{ which, zone, energy: Number(energy), most: Number(most), at: Number(at.replace(",", ".")) },
  }));
  const first = looks.filter(({ which }) => which === "first");
  const watts = first.map(({ zone, energy, at }) => {
    const then = looks.find((look) => look.which === "then" && look.zone === zone);
    if (then === undefined || then.at <= at) return Number.NaN;
    // The counter begins anew at its end.
    const microjoules = then.energy >= energy ? then.energy - energy : then.energy - energy + then.most;
    return microjoules / 1e6 / (then.at - at);
  });
  const sum = watts.reduce((total, each) => total + each, 0);
  return watts.length > 0 && Number.isFinite(sum) ? sum : undefined;
}
