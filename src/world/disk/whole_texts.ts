import { openFile } from "./open_file.ts";
import type { SystemCalls } from "./system_calls.ts";

/** Reads a file as text, as `Deno.readTextFile()` does. */
export async function readText(
  calls: SystemCalls,
  path: string,
  { signal }: Deno.ReadFileOptions = {},
): Promise<string> {
  const call = `readfile '${path}'`, decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  return await calls.later({ name: call, named: call, signal }, () => {
    using file = openFile(calls, path, { read: true }, call);
    const bytes = new Uint8Array(file.statSync().size);
    const count = file.readSync(bytes);
    return decoder.decode(bytes.subarray(0, count ?? 0));
  });
}

/**
 * Writes a text to a file, as `Deno.writeTextFile()` does: the file is opened first, and a process
 * that is killed may leave it without the text.
 */
export async function writeText(
  calls: SystemCalls,
  path: string,
  text: string,
  options: Deno.WriteFileOptions = {},
): Promise<void> {
  const { append = false, create = true, createNew = false, mode, signal } = options;
  const how = { write: true, append, truncate: !append, create, createNew };
  const call = `writefile '${path}'`, bytes = new TextEncoder().encode(text);
  const opening = { name: call, named: call, signal };
  using file = await calls.later(opening, () => openFile(calls, path, how, call));
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  if (mode === undefined) return;
  await calls.later(opening, () => {
    calls.disk.checkChange();
    calls.disk.tree.find(path).mode = mode & 0o777;
  });
}
