import { describe, expect, test } from "vitest";
import { parseMeter } from "../../../fleet/meter.ts";

/** As ipmitool 1.8.19 prints it. */
const dcmi = (now: string, state = "activated") => `
    Instantaneous power reading:              ${now}
    Minimum during sampling period:                  2 Watts
    Maximum during sampling period:                468 Watts
    Average power reading over sample period:      184 Watts
    IPMI timestamp:                           05/05/24 13:06:44 UTC    Sampling period:                          00000001 Seconds.
    Power reading state is:                   ${state}

`;
/** As FreeIPMI's ipmi-dcmi --get-system-power-statistics does. */
const freeipmi = `Current Power                        : 164 Watts
Minimum Power over sampling duration : 4 watts
Maximum Power over sampling duration : 300 watts
Time Stamp                           : 05/05/2024 - 13:06:44
Statistics reporting time period     : 1000 milliseconds
Power Measurement                    : Active
`;

describe("what a host draws is", () => {
  test.each([
    ["what it draws now, of ipmitool's dcmi", dcmi("     220 Watts"), 220],
    ["the first with a unit, of FreeIPMI's", freeipmi, 164],
    ["a sensor's", "Pwr Consumption  | 168\n", 168],
    [
      "a sensor's, with its unit and its limits",
      "Pwr Consumption  | 168.000    | Watts | ok | na | 896.000\n",
      168,
    ],
    ["a sensor's of the repository", "Pwr Consumption  | 77h | ok  |  7.1 | 168 Watts\n", 168],
    ["a number alone", "219.5\n", 219.5],
    ["a number with its unit", "219.5W", 219.5],
    ["a number in a sentence", "PSU 2 of 2: draws 98 watts, at most 750 W", 98],
  ])("%s", (_, printed, watts) => expect(parseMeter(printed)).toBe(watts));
});

describe("it is not known from", () => {
  test.each([
    ["nothing", ""],
    ["a reading that is switched off", dcmi("     220 Watts", "deactivated")],
    ["a reading without a figure: the others are not what it draws now", dcmi("not available")],
    ["a BMC that does not know, and says 0", dcmi("       0 Watts")],
    ["a sentence", "No data available\n"],
    ["a sensor without a value", "Pwr Consumption  | na\n"],
    ["several numbers without a unit", "98 102\n"],
    ["several sensors without a unit", "PSU1 | 98\nPSU2 | 102\n"],
    ["a number of something else", "Fan 3\nWatts: many, 220 Wh, 0.2 kW, 5 weeks"],
    ["a number that is no decimal one", "1,220 W or 1e3 W or -5 W"],
  ])("%s", (_, printed) => expect(parseMeter(printed)).toBeUndefined());
});
