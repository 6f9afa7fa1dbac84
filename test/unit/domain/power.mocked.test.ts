import { expect, test, vi } from "vitest";
import { shutDown } from "../../../domain/power.ts";
import type { SshSession } from "../../../ssh/session.ts";

vi.mock("node:timers/promises", () => import("../helpers/simulated-time.ts"));

// Shutting a guest down, on a host that says what a real one says.
const guest = { name: "vm1", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f" };

/**
 * A host whose guest goes off at the given call (0: never).
 *
 * @param refuses what `virsh shutdown` says to calls of a mode; nothing: they are taken
 */
function hostWith(goesOffAt: number, refuses: Record<string, string> = {}) {
  const asked: string[] = [];
  const run = async (_doing: string, script: string) => {
    const said = (stdout: string, stderr = "") => ({ stdout, stderr, exitCode: stderr ? 1 : 0 });
    const mode = /shutdown .*--mode (\w+)/.exec(script.replaceAll("'", ""))?.[1];
    if (mode) {
      asked.push(mode);
      return said("", refuses[mode]);
    }
    const isOff = goesOffAt > 0 && asked.length >= goesOffAt;
    const state = isOff ? "shut off (shutdown)" : "running (booted)";
    return said([state, "Persistent:     yes", "", guest.uuid].join("\n====\n"));
  };
  return { asked, session: { target: { name: "host1" }, run } as unknown as SshSession };
}

test("a guest that goes off at once is asked once", async () => {
  const { asked, session } = hostWith(1);
  await shutDown(session, guest);
  expect(asked).toEqual(["acpi"]);
});

test("a guest that stays on is an error, one that is off is left alone", async () => {
  const { asked, session } = hostWith(0);
  await expect(shutDown(session, guest, 10_000)).rejects.toThrow(
    "did not shut down within 10 s and still runs. See",
  );
  expect(asked.length).toBeGreaterThanOrEqual(3);
  const off = hostWith(1);
  off.asked.push("earlier");
  await shutDown(off.session, guest);
  expect(off.asked).toEqual(["earlier"]);
});

test("each tenth time the agent is asked", async () => {
  const { asked, session } = hostWith(21);
  await shutDown(session, guest);
  const ten = [...Array<string>(9).fill("acpi"), "agent"];
  expect(asked).toEqual([...ten, ...ten, "acpi"]);
});

test("a refusal is said, but not that there is no agent", async () => {
  const { session } = hostWith(0, {
    acpi: "error: Failed to shutdown domain: ACPI is off",
    agent: "error: argument unsupported: QEMU guest agent is not configured",
  });
  await expect(shutDown(session, guest, 60_000)).rejects.toThrow(
    "still runs. It could not be asked to: error: Failed to shutdown domain: ACPI is off. See its console",
  );
});
