import type { ClientPoolOptions } from "../sim/client_pool.ts";
import type { DataStore } from "./data_store.ts";
import { packDataset, packParts } from "./packed_data.ts";
import { parcelBytes } from "./parcel.ts";
import { probeOf } from "./probe.ts";
import { noteToJson, type SessionData, type StoredData } from "./session_note.ts";
import type { Writable } from "../base/writable.ts";

/** Stores the data of a session and its note, and returns the note's place. */
export async function describe(
  store: DataStore,
  options: ClientPoolOptions,
  names: { readonly train?: string; readonly test?: string } = {},
): Promise<StoredData> {
  const { workers: _, isApart: _apart, handler, train, test, parts, testParts, ...rest } = options;
  const data: Writable<SessionData> = {};
  if (train) data.train = { ...await store.put(packDataset(train)), ...named(names.train) };
  if (test) {
    data.test = test === train && data.train
      ? data.train
      : { ...await store.put(packDataset(test)), ...named(names.test) };
  }
  if (parts) data.parts = await store.put(packParts(parts));
  if (testParts) data.testParts = await store.put(packParts(testParts));
  if (handler instanceof URL) throw new TypeError("modules come later");
  const note = noteToJson({ options: rest, ...data, probe: await probeOf(options) });
  return await store.put([parcelBytes(note)]);
}

function named(name: string | undefined): { name?: string } {
  return name === undefined ? {} : { name };
}
