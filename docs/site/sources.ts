/** The root of the checkout. */
export const ROOT = new URL("../../", import.meta.url);

/** A page of the site that is made from a file in Markdown. */
export interface Source {
  /** Path of the file from the root of the checkout. */
  readonly path: string;
  /** Path of the page from the root of the site. */
  readonly page: string;
  /** Group in the navigation. */
  readonly group: string;
}

/** Pages of `docs/` by the group that lists them, in order; others are in the last group. */
const GROUPS: readonly (readonly [group: string, names: readonly string[]])[] = [
  ["Begin", ["COMMANDS", "IMPORTING", "NOTEBOOK", "DASHBOARD", "DEPLOY", "PERMISSIONS"]],
  ["Data", ["DATA", "SCHEMA", "PARTITIONS", "SEQUENCES", "STATISTICS", "PREDICT"]],
  ["Training", ["TRAINING", "STRATEGIES", "METRICS", "CLUSTER", "COMMUNICATION", "COMPATIBILITY"]],
  ["Trust", ["PRIVACY", "SECURITY", "RELIABILITY", "WORLD"]],
];
const REST = "Reference";

/** Lists the pages that are made from Markdown, in the order of the navigation. */
export async function sources(): Promise<Source[]> {
  const docs = (await Array.fromAsync(Deno.readDir(new URL("docs/", ROOT))))
    .filter(({ name }) => name.endsWith(".md")).map(({ name }) => name.slice(0, -3)).sort();
  const listed = new Set(GROUPS.flatMap(([, names]) => names));
  const groups = [...GROUPS, [REST, docs.filter((name) => !listed.has(name))] as const];
  const pages = groups.flatMap(([group, names]) =>
    names.filter((name) => docs.includes(name)).map((name) => ({
      path: `docs/${name}.md`,
      page: `docs/${name.toLowerCase()}.html`,
      group,
    }))
  );
  return [
    { path: "README.md", page: "start.html", group: "Begin" },
    ...pages,
    { path: "CHANGELOG.md", page: "changelog.html", group: REST },
    { path: "CONTRIBUTING.md", page: "contributing.html", group: REST },
    { path: "tests/README.md", page: "tests.html", group: REST },
  ];
}
