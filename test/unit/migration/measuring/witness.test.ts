import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { isListening } from "../../../../libvirt/listening.ts";
import { Witness } from "../../../../migration/measuring/witness.ts";
import type { SshSession } from "../../../../ssh/session.ts";

/** What virsh printed at the source of a hybrid move with the guest's own disk (libvirt 9.0, QEMU 10.0). */
const heard = `event JOB_STATUS_CHANGE at 1795434345.443685 for domain 'vm1': {"status":"created","id":"drive-virtio-disk0"}
event JOB_STATUS_CHANGE at 1795434345.443745 for domain 'vm1': {"status":"running","id":"drive-virtio-disk0"}
event JOB_STATUS_CHANGE at 1795434346.189278 for domain 'vm1': {"status":"ready","id":"drive-virtio-disk0"}
event BLOCK_JOB_READY at 1795434346.189351 for domain 'vm1': {"device":"drive-virtio-disk0","len":305594368,"offset":305594368,"speed":9223372036853727232,"type":"mirror"}
event MIGRATION at 1795434346.192423 for domain 'vm1': {"status":"setup"}
event MIGRATION_PASS at 1795434346.194186 for domain 'vm1': {"pass":1}
event MIGRATION at 1795434346.194275 for domain 'vm1': {"status":"active"}
event MIGRATION_PASS at 1795434347.437924 for domain 'vm1': {"pass":2}
event STOP at 1795434347.438620 for domain 'vm1': <null>
event MIGRATION at 1795434347.459011 for domain 'vm1': {"status":"pre-switchover"}
event BLOCK_JOB_COMPLETED at 1795434347.460899 for domain 'vm1': {"device":"drive-virtio-disk0","len":306708480,"offset":306708480,"speed":9223372036853727232,"type":"mirror"}
event JOB_STATUS_CHANGE at 1795434347.461684 for domain 'vm1': {"status":"null","id":"drive-virtio-disk0"}
event MIGRATION at 1795434347.466392 for domain 'vm1': {"status":"device"}
event MIGRATION at 1795434348.374996 for domain 'vm1': {"status":"completed"}`;

/** A host on which virsh prints this to whoever listens. */
const hostThatSays = (text: string) => ({
  session: {
    follow: (_: string, hear: (line: string) => void) => {
      for (const line of text.split("\n")) hear(line);
      return { ended: new Promise(() => {}), stop: async () => {} };
    },
  } as unknown as SshSession,
});

const witnessOf = (source: string, destination = "") =>
  new Witness({ guest: "vm1", source: hostThatSays(source), destination: hostThatSays(destination) });

test("a disk that is copied along: since when, and how much in all", () => {
  const witness = witnessOf(heard, "event RESUME at 1795434348.387 for domain 'vm1': <null>");
  expect(witness.storageBegan).toBe(1795434345.443685);
  expect(witness.storageMiB).toBe(292.5);
  expect(witness.statusAt("active")).toBe(1795434346.194275);
  expect(witness.stoppedAt).toBe(1795434347.43862);
  expect(witness.resumedAt).toBe(1795434348.387);
});

test("a guest that ran again where it was, and one that did not", () => {
  expect(witnessOf(heard).resumedAtSource).toBeUndefined();
  const back = "event RESUME at 1795434349.5 for domain 'vm1': <null>";
  expect(witnessOf(`${heard}\n${back}`).resumedAtSource).toBe(1795434349.5);
  // That was before it stopped.
  expect(witnessOf(`${back.replace("49.5", "46.5")}\n${heard}`).resumedAtSource).toBeUndefined();
});

test("another guest's disk is not this one's", () => {
  const witness = witnessOf(heard.replaceAll("'vm1'", "'vm2'"));
  expect(witness.storageBegan).toBeUndefined();
  expect(witness.storageMiB).toBeUndefined();
});

describe("a move begins when both hosts listen", () => {
  const hostThatStarts = () => {
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    let hear: (line: string) => void = () => {};
    const session = {
      follow: (_: string, onLine: (line: string) => void) => {
        hear = onLine;
        return { ended, stop: async () => {} };
      },
    } as unknown as SshSession;
    return { session, say: (line: string) => hear(line), end };
  };
  const starting = () => {
    const [source, destination] = [hostThatStarts(), hostThatStarts()];
    const witness = new Witness({ guest: "vm1", source, destination });
    let hasBegun = false;
    void witness.begun().then(() => {
      hasBegun = true;
    });
    const begunSoon = async () => {
      await setImmediate();
      return hasBegun;
    };
    return { source, destination, witness, begunSoon };
  };

  test("and not when one does", async () => {
    const { source, destination, witness, begunSoon } = starting();
    expect(await begunSoon()).toBe(false);
    source.say(isListening);
    expect(await begunSoon()).toBe(false);
    destination.say(isListening);
    expect(await begunSoon()).toBe(true);
    expect([...witness.source, ...witness.destination]).toEqual([]);
  });

  test("or one of them can't", async () => {
    const { source, destination, begunSoon } = starting();
    source.say(isListening);
    destination.end();
    expect(await begunSoon()).toBe(true);
  });

  test("or takes too long", async () => {
    const { witness } = starting();
    await witness.begun(20);
  });
});
