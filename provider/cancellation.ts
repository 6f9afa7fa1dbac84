import { subscribe } from "node:diagnostics_channel";

const controller = new AbortController();

/** Aborts when the person interrupts the update in which this runs (Ctrl-C). */
export const cancellation: AbortSignal = controller.signal;

const cancelCall = "/pulumirpc.ResourceProvider/Cancel";

/** As when the person interrupts it. */
export const cancel = (): void => controller.abort(new Error("the update was interrupted"));

/**
 * Hears, in Pulumi's dynamic provider, that the update is interrupted: the engine then calls Cancel of all its providers, to which the
 * dynamic provider of @pulumi/pulumi has only an empty answer. Node itself reports incoming calls since one of its versions 24; under an
 * older one an interrupted update waits for the moves under way. The engine calls it at the end of every update, too, when nothing is left
 * to be cancelled.
 */
export function listenForCancel(): void {
  subscribe("http2.server.stream.start", (message) => {
    const { headers } = message as { headers?: Record<string, unknown> };
    if (headers?.[":path"] === cancelCall) cancel();
  });
}
