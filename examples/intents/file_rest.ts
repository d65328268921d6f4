/**
 * Answers with a file, or with the rest of it from the byte that the request asks for: a download
 * that broke off goes on.
 */
export async function serveRest(path: string, request: Request): Promise<Response> {
  const file = await Deno.open(path);
  const { size } = await file.stat();
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
  if (from >= size && from > 0) {
    file.close();
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${size}` } });
  }
  await file.seek(from, Deno.SeekMode.Start);
  const headers = new Headers({ "content-length": `${size - from}` });
  if (from > 0) headers.set("content-range", `bytes ${from}-${size - 1}/${size}`);
  return new Response(file.readable, { status: from > 0 ? 206 : 200, headers });
}
