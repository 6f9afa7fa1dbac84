import { type Fenced, type FenceRequest, fenceHost } from "../fleet/fence.ts";
import { tell } from "./screen.ts";

export type FenceInputs = FenceRequest;
export type FenceOutputs = FenceInputs & Fenced;

/** What Pulumi asks of a Fence: it is proved once that a lost host is off. */
export const fenceResource = {
  async diff() {
    return { changes: false };
  },

  async create(inputs: FenceInputs) {
    return { id: inputs.host, outs: { ...inputs, ...(await fenceHost(inputs, tell)) } };
  },

  async read(id: string, state: FenceOutputs) {
    return { id, props: state };
  },

  async update(_id: string, olds: FenceOutputs) {
    return { outs: olds };
  },

  /** What was proved stays noted until the host is on again and answers. */
  async delete() {},
};
