/** A server of files that does as it is told. */

/** How a server answers. */
export interface FileServerOptions {
  /** What it has, by name. */
  files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>;
  /** Whether it understands `Range`. Default `true`. */
  ranges?: boolean;
  /** Looks at a request first; a response of its own is sent in place of the file. */
  intercept?: (
    request: Request,
    count: number,
  ) => Response | undefined | Promise<Response | undefined>;
  /** Breaks the connection after so many bytes of the body of the nth answer, from 1. */
  cutAfter?: (count: number) => number | undefined;
  /** Waits before it breaks a connection: a client loses what it has not yet read. */
  beforeCut?: () => Promise<unknown>;
  /** The version of the nth answer. Default `"v1"`. */
  etag?: (count: number) => string;
}

/** A running server with what it was asked and what it gave. */
export interface FileServer extends AsyncDisposable {
  /** Its base URL. */
  readonly url: string;
  /** Path and `Range` of each request. */
  readonly requests: { path: string; range: string | null; ifRange: string | null }[];
  /** Bytes of bodies it has sent. */
  readonly sent: number;
}

/** Serves files on a free port. */
export function serveFiles(options: FileServerOptions): FileServer {
  const requests: FileServer["requests"] = [];
  let sent = 0;
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    async (request) => {
      const path = new URL(request.url).pathname.slice(1);
      const range = request.headers.get("range");
      const ifRange = request.headers.get("if-range");
      const count = requests.push({ path, range, ifRange });
      const own = await options.intercept?.(request, count);
      if (own) return own;
      const file = options.files[path];
      if (!file) return new Response("no such file", { status: 404 });
      const etag = options.etag?.(count) ?? '"v1"';
      // A browser also asks for both ends: of an answer that broke off, which its cache has.
      const asked = options.ranges !== false && (ifRange === null || ifRange === etag)
        ? /^bytes=(\d+)-(\d*)$/.exec(range ?? "")
        : null;
      const begin = Math.min(Number(asked?.[1] ?? 0), file.length);
      const last = asked?.[2] ? Number(asked[2]) : file.length - 1;
      const end = Math.min(file.length, last + 1);
      const cut = options.cutAfter?.(count);
      let offset = begin;
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        async pull(controller) {
          const limit = Math.min(end, cut === undefined ? Infinity : begin + cut);
          if (offset >= limit) {
            if (limit < end) await options.beforeCut?.();
            // Short of the announced length, this breaks the connection.
            return controller.close();
          }
          const chunk = file.subarray(offset, Math.min(limit, offset + 16_384));
          offset += chunk.length;
          sent += chunk.length;
          controller.enqueue(chunk);
        },
      });
      const headers = new Headers({ etag, "content-length": `${end - begin}` });
      if (begin === 0 && end === file.length) return new Response(body, { headers });
      headers.set("content-range", `bytes ${begin}-${end - 1}/${file.length}`);
      return new Response(body, { status: 206, headers });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    requests,
    get sent() {
      return sent;
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
