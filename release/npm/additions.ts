/** Packages of the additions. They are no imports of this checkout, which does without them. */
export const ADDED_PACKAGES: Readonly<Record<string, string>> = {
  "core-js": "3.51.0",
  "ws": "8.23.0",
};

/** Parts of the language that Node 20 lacks, as core-js names them. */
const POLYFILLS = [
  "array/from-async",
  "iterator/index",
  "map/group-by",
  "object/group-by",
  "promise/try",
  "promise/with-resolvers",
  "set/index",
  "symbol/async-dispose",
  "symbol/dispose",
  "typed-array/from-base64",
  "typed-array/from-hex",
  "typed-array/to-base64",
  "typed-array/to-hex",
  "url/parse",
];

/**
 * Globals that Node 20 lacks and the package uses. The bundler puts these in their place, so that
 * those of the program stay as they are.
 */
const GLOBALS = `
export const WebSocket = globalThis.WebSocket ?? (await import("ws")).WebSocket;
export const navigator = globalThis.navigator ?? { hardwareConcurrency: 1 };
`;

/**
 * Writes the modules that each module of the package imports before all others.
 *
 * @returns Their paths.
 */
export async function writeAdditions(folder: string): Promise<string[]> {
  const polyfills = POLYFILLS.map((name) => `import "core-js/actual/${name}.js";\n`).join("");
  const files = { "polyfills.js": polyfills, "globals.js": GLOBALS };
  return await Promise.all(
    Object.entries(files).map(async ([name, text]) => {
      await Deno.writeTextFile(`${folder}/${name}`, text);
      return `${folder}/${name}`;
    }),
  );
}
