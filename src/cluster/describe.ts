import { errorMessage } from "../base/errors.ts";
import { runtime } from "../base/runtime/runtime.ts";
import type { ClientPoolOptions } from "../sim/client_pool.ts";
import type { DataStore } from "./data_store.ts";
import { packDataset, packParts } from "./packed_data.ts";
import { parcelBytes } from "./parcel.ts";
import { probeOf } from "./probe.ts";
import { noteToJson, type SessionData, type StoredData } from "./session_note.ts";
import type { Writable } from "../base/writable.ts";

/** Import of a file by its place from the module. */
const RELATIVE = /\bfrom\s*["']\.|\bimport\s*\(?\s*["']\./;

/** Stores the data of a session and its note, and returns the note's place. */
export async function describe(
  store: DataStore,
  options: ClientPoolOptions,
): Promise<StoredData> {
  const {
    workers: _,
    isApart: _apart,
    permissions: _none,
    handler,
    train,
    test,
    parts,
    testParts,
    ...rest
  } = options;
  const data: Writable<SessionData> = {};
  if (train) data.train = await store.put(packDataset(train));
  if (test) {
    data.test = test === train && data.train ? data.train : await store.put(packDataset(test));
  }
  if (parts) data.parts = await store.put(packParts(parts));
  if (testParts) data.testParts = await store.put(packParts(testParts));
  if (handler instanceof URL) data.handler = await putModule(store, handler);
  const note = noteToJson({ options: rest, ...data, probe: await probeOf(options) });
  return await store.put([parcelBytes(note)]);
}

/** Stores the text of a handler's module. What it imports has to be a package or have a URL. */
async function putModule(store: DataStore, module: URL): Promise<StoredData> {
  const problem = `Cannot send the handler's module ${module} to machines`;
  let text: string;
  try {
    text = await runtime.files.readTextFile(module);
  } catch (cause) {
    throw new Error(`${problem}: expected a file, ${errorMessage(cause)}`, { cause });
  }
  if (RELATIVE.test(text)) {
    throw new Error(
      `${problem}: it imports a file beside it, which they do not have; bundle it into one file`,
    );
  }
  const stored = await store.put([new TextEncoder().encode(text)]);
  return { ...stored, name: module.pathname.split("/").at(-1) ?? "module.ts" };
}
