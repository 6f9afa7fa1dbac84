import * as z from "zod";

// Words, numbers and addresses as a stack's config has them.

/** A misspelt key is a mistake, not something to pass over. */
export const section = z.strictObject;

/** Host and guest names become hostnames, names of files and names in libvirt. */
export const nameText = z
  .string()
  .max(32)
  .regex(/^[a-z]([a-z0-9-]*[a-z0-9])?$/);
export const ipv4 = z.ipv4();
export const hostAddress = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?$/);
export const cidr = z.cidrv4();
export const port = z.int().min(1).max(65535);
/** A directory's users too: `first.last`, `DOMAIN\\admin`, `admin@example.com`. OpenSSH takes no backslash at the end. */
export const userText = z.string().regex(/^[A-Za-z0-9_](?:[A-Za-z0-9._@\\-]{0,62}[A-Za-z0-9._-])?$/);
export const userDescription =
  "the user to log in as, in ASCII letters, digits and any of _ . - @ \\; one other than root needs sudo without a password";
/** Linux takes 15 characters. */
export const interfaceText = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/);
/** Neither blanks nor `..`: it stands in exports files, mount units and qcow2 headers. */
export const exportPath = z.string().regex(/^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+)+$/);
export const filePath = z.string().regex(/^(\/|~\/|\.{1,2}\/|[A-Za-z0-9._-]+\/)[^\0\n]+$/);
