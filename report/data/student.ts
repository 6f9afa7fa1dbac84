import { bisect } from "simple-statistics";

/**
 * How far from 0, in standard errors, Student's t is with this chance, on either side: 2.571 for 0.95 and 5 degrees of freedom.
 *
 * @param confidence above 0, below 1
 * @param degrees a whole number above 0
 */
export function studentQuantile(confidence: number, degrees: number): number {
  // Its angle is within a bound interval, which t is not.
  const angle = bisect((theta) => within(theta, degrees) - confidence, 0, Math.PI / 2, 200, 1e-14);
  return Math.sqrt(degrees) * Math.tan(angle as number);
}

/** The chance of |t| being below the root of the degrees of freedom times the angle's tangent (Abramowitz and Stegun, 26.7.3 and 26.7.4). */
function within(theta: number, degrees: number): number {
  const [sine, cosine] = [Math.sin(theta), Math.cos(theta)];
  const isOdd = degrees % 2 === 1;
  let term = isOdd ? cosine : 1;
  let series = degrees === 1 ? 0 : term;
  for (let k = isOdd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= ((k - 1) / k) * cosine ** 2;
    series += term;
  }
  return isOdd ? (2 / Math.PI) * (theta + sine * series) : sine * series;
}
