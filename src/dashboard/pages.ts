import { answer } from "./answers.ts";
import { lazy } from "../base/lazy.ts";

/** File of the page, with its media type. */
interface PageFile {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The page's files, in gzip. */
const FILES = lazy(async () => {
  const { DASHBOARD_PAGE } = await import("../generated/dashboard_page.ts");
  return new Map<string, PageFile>(
    Object.entries(DASHBOARD_PAGE).map(([path, { type, base64 }]) => [
      path,
      { type, bytes: Uint8Array.fromBase64(base64) },
    ]),
  );
});

/** Answers with a file of the page; `undefined` where there is none of this path. */
export async function pageFile(path: string): Promise<Response | undefined> {
  const file = (await FILES()).get(path);
  return file && answer(file.bytes, file.type, { headers: { "content-encoding": "gzip" } });
}
