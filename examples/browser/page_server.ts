/** Files and addresses of the servers of the examples' pages. */

import { errorMessage } from "@fedlab/core";

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
};

/** Answers requests for the files of a page. */
export type PageFiles = (pathname: string) => Response | undefined;

/**
 * Reads the files of a page that was built. Where one is missing, it says which task builds it, and
 * ends the program.
 *
 * @param dist Folder of the files.
 * @param names Names of the files; `index.html` is also the root.
 * @param task Task that builds them.
 */
export async function readPage(
  dist: string,
  names: readonly string[],
  task: string,
): Promise<PageFiles> {
  const files = new Map<string, { bytes: Uint8Array<ArrayBuffer>; type: string }>();
  for (const name of names) {
    try {
      const type = TYPES[name.split(".").at(-1) ?? ""] ?? "application/octet-stream";
      files.set(`/${name}`, { bytes: await Deno.readFile(`${dist}/${name}`), type });
    } catch (error) {
      console.error(`Cannot serve the page: ${errorMessage(error)}`);
      console.error(`Build it with: deno task ${task}`);
      Deno.exit(1);
    }
  }
  return (pathname) => {
    const file = files.get(pathname === "/" ? "/index.html" : pathname);
    return file && new Response(file.bytes, { headers: { "content-type": file.type } });
  };
}

/**
 * Reads the address of a server of pages. Where it is not one of this machine alone, it says so,
 * and ends the program.
 */
export function localAddress(address: string): { hostname: string; port: number } {
  const { hostname = "", port = "" } = URL.parse(`http://${address}`) ?? {};
  if (!/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)) {
    console.error(
      `Cannot listen on ${
        hostname || address
      }: expected an address of this machine alone, since every page that is opened may join; put a proxy with https: in front of it that knows who comes`,
    );
    Deno.exit(2);
  }
  return { hostname, port: Number(port || 80) };
}
