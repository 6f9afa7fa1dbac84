import { notedOff } from "../fleet/host-off.ts";
import { isOff, type SwitchRequest, switchOff, switchOn } from "../fleet/switch-host.ts";
import { hasUnknown } from "./unknown.ts";

export interface HostPowerInputs extends SwitchRequest {
  desired: "on" | "off";
  /** Why it is to be off. */
  reason?: string;
}

export interface HostPowerOutputs extends HostPowerInputs {
  /** Which of its starts it is in; empty: it is off. */
  boot: string;
  /** Since when. */
  since: string;
}

const tell = (line: string): void => console.log(line);

/** What Pulumi asks of a HostPower: the host is on or off. */
export const hostPowerResource = {
  async diff(_id: string, olds: HostPowerOutputs, news: HostPowerInputs) {
    const { host, desired, reason } = news;
    if (olds.desired !== desired) {
      const why = desired === "off" && reason !== undefined ? ` (${reason})` : "";
      tell(`${host}: will be switched ${desired}${why}`);
      return { changes: true };
    }
    if (hasUnknown(news)) return { changes: true };
    if (desired === "on") {
      const isBegun = await isNoted(news);
      if (isBegun) tell(`${host}: an update that was cut short switched it off; it will be switched on`);
      return { changes: isBegun };
    }
    // Somebody may have switched it on.
    const changes = !(await isOff(news));
    if (changes) tell(`${host}: is on and should be off; it will be switched off`);
    return { changes };
  },

  async create(inputs: HostPowerInputs) {
    return { id: inputs.host, outs: await switched(inputs) };
  },

  /** One that is off is not asked whether it is. */
  async read(id: string, state: HostPowerOutputs) {
    return { id, props: state };
  },

  async update(_id: string, _olds: HostPowerOutputs, news: HostPowerInputs) {
    return { outs: await switched(news) };
  },

  /** A host goes as it came: what was done on it is taken back next, for which it must be on. */
  async delete(_id: string, state: HostPowerOutputs) {
    if (state.desired === "off") await switchOn(state, tell);
  },
};

async function switched(inputs: HostPowerInputs): Promise<HostPowerOutputs> {
  const boot = inputs.desired === "on" ? await switchOn(inputs, tell) : "";
  if (inputs.desired === "off") await switchOff(inputs, tell);
  return { ...inputs, boot, since: new Date().toISOString() };
}

/** A storage host that does not answer is told of elsewhere: in a preview it may be one that is started next. */
const isNoted = async ({ storage, host }: HostPowerInputs): Promise<boolean> =>
  (await notedOff(storage).catch((): string[] => [])).includes(host);
