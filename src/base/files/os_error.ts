/** Returns the system's code of an error, such as `"ENOSPC"`. */
export function codeOf(error: unknown): string | undefined {
  const { code } = Object(error);
  return typeof code === "string" ? code : undefined;
}

/** Returns true if the process, or the system, has no file descriptors left. */
export function isOutOfDescriptors(error: unknown): boolean {
  const code = codeOf(error);
  return code === "EMFILE" || code === "ENFILE";
}
