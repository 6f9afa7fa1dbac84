import type { Pace } from "./model.ts";

/**
 * What is expected of hosts of which nothing is known yet. Orders of magnitude, from what is published of KVM on 10 Gbit/s and from
 * emulated guests on two cores; the first record of the same hosts weighs ten times as much.
 */
const kvm: Pace = {
  preparationMs: 600,
  completionMs: 300,
  deviceMs: 20,
  postcopyDeviceMs: 60,
  turnMs: 150,
  sendMiBps: 800,
  stoppedMiBps: 1000,
  pullMiBps: 600,
  zeroMiBps: 6000,
  fill: 0.9,
  suspendMs: 300,
  copyMs: 500,
  resumeMs: 600,
  saveMiBps: 400,
  copyMiBps: 250,
  loadMiBps: 600,
  storageMs: 300,
  storageMiBps: 250,
  awakeMs: 600,
  shutdownMs: 5000,
  defineMs: 200,
  startMs: 800,
};

/** An emulated guest, and QEMU that copies it, share the host's cores. */
const tcg: Pace = {
  ...kvm,
  preparationMs: 1000,
  completionMs: 400,
  deviceMs: 60,
  postcopyDeviceMs: 250,
  turnMs: 200,
  sendMiBps: 250,
  stoppedMiBps: 500,
  pullMiBps: 300,
  zeroMiBps: 4000,
  fill: 0.7,
  saveMiBps: 300,
  copyMiBps: 150,
  loadMiBps: 300,
};

export const priors = { kvm, tcg };

/** Of the guest: how much of its memory it ever wrote to, how fast a guest writes of which nothing was measured. */
export const guestPriors = { touchedShare: 0.5, dirtyMiBps: 5 };

/** QEMU's own memory beside the guest's, in its resident set. */
export const qemuOwnMiB = 64;

/** How far off a prediction is without any history, as the standard deviation of the logarithm: eight of ten within a factor of 2.5. */
export const priorSpread = { totalMs: 0.7, downtimeMs: 0.9 };

/** A prior counts for as much as this part of one record of the same guest, mode and hosts. That errors are normal is one, too. */
export const priorWeight = 0.1;
