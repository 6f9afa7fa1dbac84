import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A file server on the loopback that does what image servers do, and fails as they fail. */
export class ImageServer {
  files = new Map<string, Buffer>();
  redirects = new Map<string, string>();
  etag = '"one"';
  /** Answers of this status before files are served. */
  failures: number[] = [];
  /** Close the connection after this many bytes of each response, so often. */
  cut?: { afterBytes: number; times: number };
  /** Go silent after this many bytes of each response, so often. */
  hang?: { afterBytes: number; times: number };
  requests: { method: string; range?: string; status: number }[] = [];
  readonly #server = createServer((request, response) => this.#answer(request, response));

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "", headers } = request;
    const note = (status: number) => this.requests.push({ method, range: headers.range, status });
    const target = this.redirects.get(url);
    if (target) {
      note(302);
      response.writeHead(302, { location: target }).end();
      return;
    }
    const failure = this.failures.shift();
    const file = this.files.get(url);
    if (failure || !file) {
      note(failure ?? 404);
      response.writeHead(failure ?? 404).end("<html>no</html>");
      return;
    }
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
    const resumes = start > 0 && headers["if-range"] === this.etag;
    if (resumes && start >= file.length) {
      note(416);
      response.writeHead(416, { "content-range": `bytes */${file.length}` }).end("<html>no</html>");
      return;
    }
    const body = resumes ? file.subarray(start) : file;
    note(resumes ? 206 : 200);
    response.writeHead(resumes ? 206 : 200, {
      "content-length": body.length,
      etag: this.etag,
      ...(resumes && { "content-range": `bytes ${start}-${file.length - 1}/${file.length}` }),
    });
    if (method === "HEAD") return void response.end();
    if (this.cut && this.cut.times-- > 0)
      // After a moment, in which what was sent is read: an end overtakes what the client has not read yet.
      return void response.write(body.subarray(0, this.cut.afterBytes), () =>
        setTimeout(() => response.destroy(), 100),
      );
    if (this.hang && this.hang.times-- > 0)
      return void response.write(body.subarray(0, this.hang.afterBytes));
    response.end(body);
  }
}
