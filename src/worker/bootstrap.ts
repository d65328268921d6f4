/**
 * Code of a worker's first module, which imports the module that the worker runs. It tells the
 * program when that import has settled: a worker by itself does not, and a module that calls
 * nothing would leave the program waiting.
 *
 * It is text, so that it is part of a bundle of the program too. `await` before the import lets the
 * worker's end be noticed while the module is loaded.
 *
 * @param module URL of the module.
 * @param lifeline Name of the lock that the worker holds until it ends. `undefined`: none.
 */
export function bootstrap(module: URL, lifeline: string | undefined): string {
  const hold = lifeline === undefined ? "" : `
await new Promise((resolve) => {
  globalThis.navigator.locks.request(${JSON.stringify(lifeline)}, () => {
    resolve();
    return new Promise(() => {});
  });
});`;
  return `${hold}
postMessage({ fedlab: "loading" });
try {
  await import(${JSON.stringify(module.href)});
  postMessage({ fedlab: "loaded" });
} catch (thrown) {
  const { name = "Error", message = String(thrown), stack } = Object(thrown);
  const record = { kind: "error", type: name, name, message, stack, fields: {} };
  postMessage({ fedlab: "unloaded", thrown: record });
}
`;
}
