import { runtime } from "../../base/runtime/runtime.ts";

/** Errors of Linux that a disk gives: number, text, and the class by which Deno throws them. */
const ERRORS = {
  EPERM: [1, "Operation not permitted", "PermissionDenied"],
  ENOENT: [2, "No such file or directory", "NotFound"],
  EIO: [5, "Input/output error", undefined],
  EBADF: [9, "Bad file descriptor", undefined],
  EACCES: [13, "Permission denied", "PermissionDenied"],
  EBUSY: [16, "Device or resource busy", undefined],
  EEXIST: [17, "File exists", "AlreadyExists"],
  ENOTDIR: [20, "Not a directory", "NotADirectory"],
  EISDIR: [21, "Is a directory", "IsADirectory"],
  EINVAL: [22, "Invalid argument", "TypeError"],
  EMFILE: [24, "Too many open files", undefined],
  ENOSPC: [28, "No space left on device", undefined],
  EROFS: [30, "Read-only file system", undefined],
  ENAMETOOLONG: [36, "File name too long", undefined],
  ENOTEMPTY: [39, "Directory not empty", undefined],
} as const;

/** Code of an error of the operating system. */
export type OsErrorCode = keyof typeof ERRORS;

/** Failure of an operation on a disk, before the call is known that it belongs to. */
export class DiskFailure extends Error {
  readonly code: OsErrorCode;
  /** Set if a fault of the disk is the cause, and not what was asked for. */
  readonly isFault: boolean;

  /** Creates a failure. */
  constructor(code: OsErrorCode, isFault = false) {
    super(code);
    this.code = code;
    this.isFault = isFault;
  }
}

/**
 * Returns an error as Deno throws it on Linux.
 *
 * @param call Call that failed, such as `open 'x'`; absent for those of an open file.
 */
export function osError(code: OsErrorCode, call?: string): Error {
  const [number, text, name] = ERRORS[code];
  const message = `${text} (os error ${number})${call === undefined ? "" : `: ${call}`}`;
  return Object.assign(new (classOf(name))(message), { code });
}

function classOf(name: typeof ERRORS[OsErrorCode][2]): new (message: string) => Error {
  if (name === undefined) return Error;
  return name === "TypeError" ? TypeError : runtime.errors[name];
}
