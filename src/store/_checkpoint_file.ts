import { digester } from "../_digest.ts";
import {
  blankHeader,
  type CheckpointContent,
  type CheckpointHeader,
  readCheckpoint,
  readCheckpointHeader,
  sealedHeader,
  type WholeCheckpoint,
} from "./_checkpoint_format.ts";
import { bytesOf, writeAll } from "./_safetensors_file.ts";

/** A checkpoint holds the clients' session tokens: it is for its owner's eyes. */
const MODE = 0o600;

/**
 * Writes a checkpoint to a new file, brings it to the disk, and calls `done` while the file is still locked.
 *
 * The header is written again at the end, with the data's digest in it: one pass over the vectors.
 */
export async function writeCheckpoint(
  path: string,
  content: CheckpointContent,
  done: () => Promise<void>,
): Promise<void> {
  const hash = await digester("sha256");
  using file = await Deno.open(path, { write: true, createNew: true, mode: MODE });
  await file.tryLock(true).catch(() => {}); // some network file systems have no locks
  await writeAll(file, blankHeader(content));
  for (const vector of content.data) {
    await writeAll(file, bytesOf(vector), (piece) => hash.update(piece));
  }
  await file.seek(0, Deno.SeekMode.Start);
  await writeAll(file, await sealedHeader(content, hash.digest("hex")));
  await file.sync();
  await done();
}

/** Reads what the header of a file says; the errors are those of {@linkcode readCheckpointHeader}. */
export async function readHeaderOfFile(path: string): Promise<CheckpointHeader> {
  using file = await Deno.open(path);
  return await readCheckpointHeader(file);
}

/** Reads a file and checks every byte of it. */
export async function readCheckpointFile(path: string): Promise<WholeCheckpoint> {
  using file = await Deno.open(path);
  return await readCheckpoint(file);
}
