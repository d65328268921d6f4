/** Reads the files of a folder with their paths from it. */
async function filesIn(folder: URL, prefix = ""): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(prefix, folder))) {
    if (isDirectory) files.push(...await filesIn(folder, `${prefix}${name}/`));
    else files.push(prefix + name);
  }
  return files;
}

/**
 * Finds links that lead nowhere: to a file that is not there, or to an anchor that its page lacks.
 * The pages of the folder `api`, which another tool writes, are targets alone.
 *
 * @param folder Folder of the site, with a slash at its end.
 * @returns A line for each dead link.
 */
export async function deadLinks(folder: URL): Promise<string[]> {
  const files = new Set(await filesIn(folder));
  const anchors = new Map<string, Set<string>>();
  const own = [...files].filter((path) => path.endsWith(".html") && !path.startsWith("api/"));
  const pages = new Map<string, string>();
  for (const path of own) {
    const html = await Deno.readTextFile(new URL(path, folder));
    pages.set(path, html);
    anchors.set(path, new Set(Array.from(html.matchAll(/ id="([^"]+)"/g), ([, id = ""]) => id)));
  }
  const dead: string[] = [];
  for (const [path, html] of pages) {
    for (const [, given = ""] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
      const link = given.replaceAll("&amp;", "&");
      if (/^(https?:|mailto:|data:)/.test(link)) continue;
      const url = new URL(link, new URL(path, "http://site/"));
      let target = decodeURIComponent(url.pathname.slice(1));
      if (target === "" || target.endsWith("/")) target += "index.html";
      const anchor = decodeURIComponent(url.hash.slice(1));
      if (!files.has(target)) dead.push(`${path}: ${link} leads to no file`);
      else if (anchor !== "" && anchors.get(target)?.has(anchor) === false) {
        dead.push(`${path}: ${link} leads to no anchor`);
      }
    }
  }
  return dead;
}
