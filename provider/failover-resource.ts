import { appendFailoverRecord, type FailoverRecord, failoverFile } from "../moves/failover-record.ts";
import { quote } from "../ssh/quote.ts";
import { withSession } from "../ssh/session-pool.ts";
import type { SshTarget } from "../ssh/target.ts";
import { tell } from "./screen.ts";

export interface FailoverInputs {
  guest: string;
  /** The lost host. */
  from: string;
  /** Where it was started, and how that host is reached. */
  to: string;
  ssh: SshTarget;
  proof: string;
  /** Records are kept in results/<stack>.failovers.jsonl. */
  stack: string;
  /** When proof was looked for that the lost host is off, and when it was there (ISO, UTC). */
  begunAt: string;
  provedAt: string;
}

export interface FailoverOutputs extends FailoverInputs {
  /** Absent: it ran elsewhere already, and was not away. */
  record?: FailoverRecord;
}

/** What two clocks may be apart. */
const clockErrorMs = 1_000;

/** What Pulumi asks of a Failover: what it took is written down once the guest answers. */
export const failoverResource = {
  async diff() {
    return { changes: false };
  },

  async create(inputs: FailoverInputs) {
    const record = await recordOf(inputs);
    if (record === undefined) return { id: inputs.guest, outs: inputs };
    await appendFailoverRecord(failoverFile(inputs.stack), record);
    tell(`${inputs.guest}: started on ${inputs.to}, as ${inputs.from} is lost; ${partsOf(record)}`);
    return { id: inputs.guest, outs: { ...inputs, record } };
  },

  async read(id: string, state: FailoverOutputs) {
    return { id, props: state };
  },

  async update(_id: string, olds: FailoverOutputs) {
    return { outs: olds };
  },

  async delete() {},
};

async function recordOf(inputs: FailoverInputs): Promise<FailoverRecord | undefined> {
  const { guest, from, to, proof, begunAt, provedAt } = inputs;
  const answeredMs = Date.now();
  const provedMs = Date.parse(provedAt);
  const startedMs = await startedAt(inputs);
  if (startedMs !== undefined && startedMs < Date.parse(begunAt) - clockErrorMs) return undefined;
  // A later run does not know when the guest first answered.
  // Of a host that may still run, a guest's former copy may have been what answered.
  const isSeen = provedMs > performance.timeOrigin && proof === "power";
  return {
    ...{ schema: 1 as const, guest, from, to, proof, at: begunAt },
    fencingMs: Math.max(0, provedMs - Date.parse(begunAt)),
    ...(startedMs !== undefined && {
      bootMs: Math.max(0, Math.round(startedMs - provedMs)),
      ...(isSeen && { firstAnswerMs: Math.max(0, Math.round(answeredMs - startedMs)) }),
    }),
  };
}

/** When the guest's QEMU was started, on this machine's clock. Undefined: its host does not say. */
const startedAt = ({ guest, ssh }: FailoverInputs): Promise<number | undefined> =>
  withSession(ssh, async (session) => {
    const [{ stdout }, { offsetMs }] = await Promise.all([
      session.run(
        `asking since when ${guest} runs`,
        `stat -c %.3Y ${quote(`/run/libvirt/qemu/${guest}.pid`)} || true`,
      ),
      session.readClock(),
    ]);
    const seconds = Number.parseFloat(stdout);
    return Number.isNaN(seconds) ? undefined : seconds * 1000 - offsetMs;
  });

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

function partsOf({ fencingMs, bootMs, firstAnswerMs }: FailoverRecord): string {
  return [
    `proof ${seconds(fencingMs)}`,
    ...(bootMs === undefined ? [] : [`start ${seconds(bootMs)}`]),
    ...(firstAnswerMs === undefined ? [] : [`first answer ${seconds(firstAnswerMs)}`]),
  ].join(", ");
}
