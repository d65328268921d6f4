const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  png: "image/png",
};

/** Serves the files of a folder on a free port of this machine. */
export function serveFiles(folder: string): AsyncDisposable & { readonly url: string } {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const path = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    const type = TYPES[path.split(".").at(-1) ?? ""] ?? "application/octet-stream";
    try {
      const bytes = await Deno.readFile(`${folder}${decodeURIComponent(path)}`);
      return new Response(bytes, { headers: { "content-type": type } });
    } catch {
      return new Response("Not found\n", { status: 404 });
    }
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
