import { errorMessage } from "../../../base/errors.ts";
import { isDenied } from "../../../base/files/folder.ts";
import { runtime } from "../../../base/runtime/runtime.ts";
import { bytesOf } from "../../../base/bytes.ts";
import { digester } from "../../../base/hash.ts";
import { publishFile } from "../../../base/files/whole_file.ts";
import {
  blankHeader,
  type CheckpointContent,
  type CheckpointHeader,
  readCheckpoint,
  readCheckpointHeader,
  sealedHeader,
  type WholeCheckpoint,
} from "../format.ts";
import type { Descriptors } from "./descriptors.ts";
import { writeAll } from "../../safetensors/file.ts";

/** Permissions for the owner alone: a checkpoint holds the clients' session tokens. */
const MODE = 0o600;

/**
 * Writes a checkpoint file, whole or not at all, and replaces one of the same name.
 *
 * The header is written again at the end, with the digest of the data: one pass over the vectors.
 */
export async function writeCheckpoint(
  path: string,
  content: CheckpointContent,
  { use }: Descriptors,
): Promise<void> {
  const hash = await digester("sha256");
  await publishFile(path, async (file) => {
    await writeAll(file, blankHeader(content));
    for (const vector of content.data) {
      await writeAll(file, bytesOf(vector), (piece) => hash.update(piece));
    }
    await file.seek(0, runtime.files.SeekMode.Start);
    await writeAll(file, await sealedHeader(content, hash.digest("hex")));
  }, { mode: MODE, use });
}

/** Reads the header of a file. Rejects as {@linkcode readCheckpointHeader} does. */
export async function readHeaderOfFile(
  path: string,
  { use }: Descriptors,
): Promise<CheckpointHeader> {
  return await use(path, { read: true }, (file) => readCheckpointHeader(file));
}

/** Reads a file and checks every byte. */
export async function readCheckpointFile(
  path: string,
  { use }: Descriptors,
): Promise<WholeCheckpoint> {
  return await use(path, { read: true }, (file) => readCheckpoint(file));
}

/** Returns the error of a file that may be whole, though it cannot be read. */
export function unreadable(name: string, cause: unknown): unknown {
  if (isDenied(cause)) return cause;
  const why = `${errorMessage(cause)}; move ${name} away to go on from an earlier one`;
  return new Error(why, { cause });
}
