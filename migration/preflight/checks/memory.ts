import { type Check, failed, passed } from "./check.ts";
import { known, type PreflightCheck } from "./evidence.ts";
import { neededMiB } from "./needed-memory.ts";

/** A guest that is on its way to a host, and will take memory there. */
interface Incoming {
  guest: string;
  memoryMiB: number;
  /** What its QEMU there has taken already; that much is not available any more. */
  residentMiB: number;
}

export function memoryCheck(
  host: string,
  availableMiB: number,
  memoryMiB: number,
  incoming: readonly Incoming[] = [],
  freedMiB = 0,
): Check {
  const promised = incoming.map((other) => ({
    guest: other.guest,
    leftMiB: Math.max(0, neededMiB(other.memoryMiB) - other.residentMiB),
  }));
  const freeMiB = availableMiB + freedMiB - promised.reduce((sum, { leftMiB }) => sum + leftMiB, 0);
  const less = promised.map(({ guest, leftMiB }) => `${leftMiB} MiB for ${guest}, which is on its way there`);
  const more = freedMiB > 0 ? ` and ${freedMiB} MiB that guests leave first` : "";
  const detail = `${host} has ${availableMiB} MiB available${more}${less.length > 0 ? ` (less ${less.join(", ")})` : ""}, ${neededMiB(memoryMiB)} MiB are needed`;
  return freeMiB >= neededMiB(memoryMiB)
    ? passed("memory", detail)
    : failed("memory", `${detail}: free memory there, or place this guest or another one elsewhere`);
}

export const memory: PreflightCheck = {
  asks: ({ incoming }) => ({
    destination: [{ ask: "memory" }, { ask: "resident", guests: incoming.map(({ guest }) => guest) }],
  }),
  judge: ({ request, destination, atDestination, incoming, freedMiB }) =>
    memoryCheck(
      destination.name,
      known(destination, "free memory", atDestination.availableMiB),
      request.conditions.memoryMiB,
      incoming.map((other) => ({ ...other, residentMiB: atDestination.residentMiB[other.guest] ?? 0 })),
      freedMiB,
    ),
};
