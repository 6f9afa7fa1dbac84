import type { TestStack } from "./stack.ts";

// A UEFI variable of the test's own in a guest, which is kept over a restart.

const efivars = "/sys/firmware/efi/efivars";
const variable = `${efivars}/TestbedKept-1b7159b2-c702-5eb0-be68-43576be5849d`;
const mounted = `mountpoint -q ${efivars} || sudo mount -t efivarfs efivarfs ${efivars}`;

/** @param text four characters */
export async function writeUefiVariable(stack: TestStack, guest: string, text: string): Promise<void> {
  // 7: it is kept over a restart. One write, as the kernel wants it.
  const bytes = String.raw`printf '\007\0\0\0${text}' > /tmp/v`;
  await stack.inGuest(guest, `${mounted}; ${bytes}; sudo dd if=/tmp/v of=${variable} bs=64 status=none`);
}

export const readUefiVariable = (stack: TestStack, guest: string): Promise<string> =>
  stack.inGuest(guest, `${mounted}; sudo tail -c 4 ${variable}`);
