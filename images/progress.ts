import { SingleBar } from "cli-progress";

/** Tells how far a download is. */
export interface DownloadProgress {
  /** `totalBytes` is undefined where the server does not say how much it will be. */
  start(doneBytes: number, totalBytes: number | undefined): void;
  update(doneBytes: number): void;
  stop(): void;
}

export const noProgress: DownloadProgress = { start() {}, update() {}, stop() {} };

const mib = (bytes: number) => Math.round(bytes / 2 ** 20);

/** A bar on a terminal; a line every few seconds anywhere else, such as Pulumi's log. */
export function downloadProgress(
  what: string,
  stream: NodeJS.WriteStream = process.stderr,
): DownloadProgress {
  return stream.isTTY ? bar(what, stream) : lines(what, stream, 5000);
}

function bar(what: string, stream: NodeJS.WriteStream): DownloadProgress {
  const single = new SingleBar({
    stream,
    format: `${what} [{bar}] {percentage} % of {totalMib} MiB, {eta_formatted} left`,
    hideCursor: true,
    etaBuffer: 100,
  });
  return {
    start: (done, total) =>
      single.start(total ?? 1, total === undefined ? 0 : done, {
        totalMib: total === undefined ? "?" : mib(total),
      }),
    update: (done) => single.update(done),
    stop: () => single.stop(),
  };
}

function lines(what: string, stream: NodeJS.WritableStream, everyMs: number): DownloadProgress {
  let done = 0;
  let total: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const print = () => {
    const of = total === undefined ? "" : ` of ${mib(total)} MiB (${Math.floor((done / total) * 100)} %)`;
    stream.write(`${what}: ${mib(done)}${of || " MiB"}\n`);
  };
  return {
    start(doneBytes, totalBytes) {
      [done, total] = [doneBytes, totalBytes];
      print();
      clearInterval(timer);
      timer = setInterval(print, everyMs);
    },
    update: (doneBytes) => {
      done = doneBytes;
    },
    stop() {
      clearInterval(timer);
      print();
    },
  };
}
