import type { Intent } from "../../../fleet/intent.ts";
import type { Sighting } from "../../../libvirt/sighting.ts";

// What hosts and the storage say of a guest that moves from host1 to host2.

export const sighting = (host: string, state: Sighting["state"], more: Partial<Sighting> = {}): Sighting => ({
  host,
  state,
  reason: "",
  persistent: state !== "absent",
  ...more,
});

export const intentOf = (mode: Intent["mode"], phase: Intent["phase"] = "begun"): Intent => ({
  schema: 1,
  guest: "vm1",
  uuid: "11111111-2222-4333-8444-555555555501",
  from: "host1",
  to: "host2",
  mode,
  phase,
  startedAt: "2026-01-01T00:00:00.000Z",
});
