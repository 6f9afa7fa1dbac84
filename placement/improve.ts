import type { Cover } from "./cover.ts";
import { epsilon, type LaidHost } from "./laid.ts";
import type { Layout } from "./layout.ts";
import { moversByHost } from "./movers.ts";
import { barredTrials, bestMove, bestSwap, type Trial } from "./trial.ts";

/** In larger clusters what did not change is not looked at again, and a pass is the last that gains less than a twentieth of what came before. */
const mostThorough = 40;

/**
 * Makes the layout better by the best move there is, again and again, then by guests that change places too, until nothing gains more than
 * it costs. In a large cluster a host keeps the best that was found for its guests. It is weighed again when its turn comes, and looked for
 * again when it was made, or when one of its two hosts has changed, so that a step costs a few hosts' guests and not all of them.
 *
 * @param cover where no move is to be made that leaves more memory uncovered (N+1)
 */
export function improve(layout: Layout, cover?: Cover): void {
  const { hosts } = layout;
  const barred = barredTrials();
  const moversOf = moversByHost();
  const found: (Trial | undefined)[] = [];
  const isThorough = layout.open.length <= mostThorough;
  let uncovered = cover?.uncoveredMiB() ?? 0;
  const before = layout.total;

  const look = (host: LaidHost): void => {
    found[host.index] = bestMove(layout, host, moversOf, barred);
  };
  const make = (trial: Trial): boolean => {
    const undo = apply(layout, trial);
    const now = cover?.uncoveredMiB() ?? 0;
    const isKept = now <= uncovered;
    if (isKept) uncovered = now;
    else {
      undo();
      barred.add(trial);
    }
    return isKept;
  };

  for (const host of hosts) look(host);
  for (let trial = bestOf(found); trial !== undefined; trial = bestOf(found)) {
    const { guest, to, version } = trial;
    const from = guest.host;
    if (version === layout.version) {
      make(trial);
      for (const host of isThorough ? hosts : [from]) look(host);
    } else if (from.changedAt > version || to.changedAt > version || !layout.fits(guest, to)) look(from);
    // What others gave each other changes how much it counts.
    else found[from.index] = { ...trial, gain: layout.gain(guest, to), version: layout.version };
  }
  // What found nothing may find something now. First where hosts have changed since the last pass, then everywhere, until nothing is found.
  const enough = isThorough ? 0 : (before - layout.total) / 20;
  for (let since = -1; ; ) {
    const { version, total } = layout;
    for (const host of hosts) {
      const next = () =>
        bestMove(layout, host, moversOf, barred, since) ?? bestSwap(layout, host, moversOf, barred, since);
      for (let trial = next(); trial !== undefined; trial = next()) make(trial);
    }
    const isChanged = layout.version > version;
    if (enough > 0 ? total - layout.total < enough : since === -1 && !isChanged) break;
    since = isChanged ? version : -1;
  }
}

function bestOf(trials: readonly (Trial | undefined)[]): Trial | undefined {
  let best: Trial | undefined;
  for (const trial of trials)
    if (trial !== undefined && trial.gain > epsilon && (best === undefined || trial.gain > best.gain))
      best = trial;
  return best;
}

function apply(layout: Layout, { guest, to, other }: Trial): () => void {
  const from = guest.host;
  if (other === undefined) layout.move(guest, to);
  else layout.swap(guest, other);
  return () => (other === undefined ? layout.move(guest, from) : layout.swap(guest, other));
}
