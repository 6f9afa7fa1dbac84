const figure = String.raw`(\d+(?:\.\d+)?)`;
const withUnit = new RegExp(String.raw`(?<![\w.,+-])${figure}[ \t|]*W(?:atts?)?\b`, "i");
/** Alone or, as of `ipmitool sensor reading`, behind a sensor's name. */
const alone = new RegExp(String.raw`^\s*(?:[^|\n]*\|[ \t]*)?${figure}\s*$`);

/**
 * What a host draws, in W, as its meter (`hosts[].power.meter`) prints it: of `ipmitool dcmi power reading` what it draws now, of any other
 * text its first figure with W or Watts behind it, or its only one. Undefined: it does not say, or says 0 as BMCs do that do not know.
 */
export function parseMeter(printed: string): number | undefined {
  if (/power reading state is\W*deactivated/i.test(printed)) return undefined;
  // Minimum, maximum and average are in the lines below it.
  const [said] = /^.*instantaneous power reading.*$/im.exec(printed) ?? [printed];
  const [, watts] = withUnit.exec(said) ?? alone.exec(said) ?? [];
  return Number(watts) > 0 ? Number(watts) : undefined;
}
