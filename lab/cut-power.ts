import { execa } from "execa";

/**
 * Ends a container host of a lab on this machine, and its guests with it, as a power cut would. Its disks stay, and the next update that
 * needs it starts it again.
 *
 * @param lab the lab's name, which is its stack's
 * @throws execa's error when there is no such host, or when it does not end
 */
export async function cutPower(lab: string, host: string): Promise<void> {
  const script = new URL("power.sh", import.meta.url).pathname;
  await execa("bash", [script, "cut"], { env: { LAB: lab, LAB_HOST: host } });
}
