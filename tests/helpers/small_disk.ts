/** A file system of a few megabytes, which can be filled. */
export interface SmallDisk {
  readonly path: string;
  /** Leaves no room on it. */
  fill(): Promise<void>;
  /** Gives the room back. */
  empty(): Promise<void>;
}

/**
 * Does something on a file system of its own in a folder that is made; where none may be mounted,
 * says so and does not.
 */
export async function onSmallDisk(
  path: string,
  test: (disk: SmallDisk) => Promise<void>,
): Promise<void> {
  await Deno.mkdir(path);
  if (!await runs("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path)) {
    return console.warn("skipped: no file system may be mounted here");
  }
  try {
    await test({
      path,
      fill: async () => {
        using file = await Deno.open(`${path}/filler`, { write: true, create: true });
        for (const bytes of [2 ** 18, 4096]) {
          try {
            for (;;) await file.write(new Uint8Array(bytes));
          } catch { /* it is full, for so many */ }
        }
      },
      empty: () => Deno.truncate(`${path}/filler`),
    });
  } finally {
    await runs("umount", "-l", path);
  }
}

async function runs(program: string, ...args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args, stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}
