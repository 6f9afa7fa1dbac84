import { isDeepStrictEqual } from "node:util";

export interface GateState {
  value: unknown;
}

/** What Pulumi asks of a Gate: its output is its input. */
export const gateResource = {
  async diff(_id: string, olds: GateState, news: GateState) {
    return { changes: !isDeepStrictEqual(olds.value, news.value) };
  },
  async create(inputs: GateState) {
    return { id: "gate", outs: inputs };
  },
  async read(id: string, state: GateState) {
    return { id, props: state };
  },
  async update(_id: string, _olds: GateState, news: GateState) {
    return { outs: news };
  },
  async delete() {},
};
