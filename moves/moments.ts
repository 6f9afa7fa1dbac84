/** How long it was from one moment to another. 1785.7 - 200.1 is not 1585.6 in binary fractions. */
export const between = (fromMs: number, toMs: number): number => Math.round((toMs - fromMs) * 1000) / 1000;
