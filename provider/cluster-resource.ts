import { isDeepStrictEqual } from "node:util";
import { refuseForeignCpus } from "../domain/cpu-model.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { fleetPageOf, hasPage, rememberPage, removePages, writePage } from "../fleet/fleet-page.ts";
import { forgetOff, rememberOff } from "../fleet/host-off.ts";
import { openAhead } from "../ssh/session-pool.ts";
import { hasUnknown } from "./unknown.ts";

/** What guests of one cluster have in common: the machines, and what they run with on each of them. */
export interface Common extends Pick<Fleet, "hosts" | "storage"> {
  /** The page on which these hosts are. */
  page: string;
  accelerator: "kvm" | "tcg";
  machine: string;
  cpuXml: string;
  transport: "kernel" | "userspace";
  server: string;
  bridge: string;
}

export interface ClusterInputs {
  common: Common;
  /** Hosts that this stack may switch off: as long as one is here, it is asked whether one was. Absent: none. */
  mayBeOff?: readonly string[];
  /** CPU models that guests name. Absent: none. */
  cpuModels?: readonly string[];
}

/** What a cluster is told, and of which a part is for the moment only. */
export interface ClusterProperties extends ClusterInputs {
  /** Hosts that are off now, and which nobody needs to wait for. Absent: none. */
  areOff?: readonly string[];
}

export interface ClusterOutputs extends ClusterInputs {
  /** Hosts of pages that guests may still name, newest first. */
  earlier: { page: string; hosts: Fleet["hosts"] }[];
}

/** An update that fails leaves guests with an older page; not many do, one after the other. */
const earlierLength = 5;

/** What Pulumi asks of a HostCluster: which hosts there are is written down on the storage host, for what belongs to guests to name. */
export const clusterResource = {
  /** Guests are looked for next, by a page that a preview does not write, and on all hosts: these are called while the page is looked for. */
  async check(olds: Partial<ClusterInputs> | undefined, { areOff = [], ...news }: ClusterProperties) {
    if (!hasUnknown(news)) {
      rememberPage(news.common);
      rememberOff(news.common.storage, areOff);
      openAheadTo(news.common, areOff);
      const { common, cpuModels = [] } = news;
      const isNew = !isDeepStrictEqual([olds?.common, olds?.cpuModels], [common, news.cpuModels]);
      if (cpuModels.length > 0 && isNew) await refuseForeignCpus(cpuModels, common, common);
    }
    return { inputs: news };
  },

  async diff(_id: string, olds: ClusterOutputs, news: ClusterInputs) {
    for (const each of pastOf(olds)) rememberPage(each);
    if (hasUnknown(news)) return { changes: true };
    const isAsBefore =
      isDeepStrictEqual(olds.common, news.common) &&
      isDeepStrictEqual([olds.mayBeOff, olds.cpuModels], [news.mayBeOff, news.cpuModels]);
    return { changes: !isAsBefore || !(await hasPage(news.common)) };
  },

  async create(inputs: ClusterInputs) {
    await writePage(inputs.common);
    return { id: inputs.common.storage.intentDirectory, outs: { ...inputs, earlier: [] } };
  },

  async read(id: string, state: ClusterOutputs) {
    return { id, props: state };
  },

  async update(_id: string, olds: ClusterOutputs, news: ClusterInputs) {
    for (const each of [...pastOf(olds), news.common]) await writePage(each);
    // A host that is gone, by a person's word, leaves no note: another of its name would be passed over for it when it is silent.
    const { mayBeOff = [] } = news;
    const on = (olds.mayBeOff ?? []).filter((host) => !mayBeOff.includes(host));
    if (on.length > 0) await forgetOff(news.common.storage, on);
    const earlier = pastOf(olds)
      .map(({ hosts }) => ({ page: fleetPageOf(hosts), hosts }))
      .filter(({ page }) => page !== news.common.page)
      .slice(0, earlierLength);
    return { outs: { ...news, earlier } };
  },

  async delete(_id: string, { common }: ClusterOutputs) {
    await removePages(common.storage);
  },
};

function openAheadTo({ hosts, storage }: Common, areOff: readonly string[]): void {
  const on = Object.entries(hosts).filter(([name]) => !areOff.includes(name));
  openAhead([...on.map(([, { ssh }]) => ssh), storage.ssh]);
}

/** Its fleets, newest first. Their pages lie where guests that name them have them. */
const pastOf = ({ common: { hosts, storage }, earlier }: ClusterOutputs): Fleet[] => [
  { hosts, storage },
  ...earlier.map((each) => ({ hosts: each.hosts, storage })),
];
