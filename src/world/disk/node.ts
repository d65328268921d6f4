import { FileContent } from "./file_content.ts";
import { FileLocks } from "./file_locks.ts";

/** Bit of a mode by which the owner may read. */
export const MAY_READ = 0o400;
/** Bit of a mode by which the owner may write. */
export const MAY_WRITE = 0o200;

/** State that files and folders of a disk have in common. */
interface NodeState {
  /** Number that no other file or folder of the disk has. */
  readonly number: number;
  /** Permissions. */
  mode: number;
  /** Time of the last change in milliseconds since 1970. */
  modified: number;
  /** Time of the last read access that was set. */
  accessed: number;
  /** Time of creation. */
  readonly created: number;
  /** Locks of files that are open. */
  readonly locks: FileLocks<object>;
}

/** File of a disk, by whatever names it is known. */
export interface FileNode extends NodeState {
  readonly kind: "file";
  readonly content: FileContent;
  /** Number of its names. */
  names: number;
  /** Number of open files that it is used by. */
  uses: number;
  /** Set after a sync has failed: Linux takes what was not written for written then. */
  isForgotten: boolean;
}

/** Folder of a disk. */
export interface FolderNode extends NodeState {
  readonly kind: "folder";
  /** Files and folders by name, in the order in which the names were given. */
  readonly entries: Map<string, DiskNode>;
}

/** File or folder of a disk. */
export type DiskNode = FileNode | FolderNode;

function stateOf(number: number, mode: number, time: number): NodeState {
  return { number, mode, modified: time, accessed: time, created: time, locks: new FileLocks() };
}

/** Makes an empty file that has no name yet. */
export function newFile(number: number, mode: number, time: number): FileNode {
  const state = stateOf(number, mode, time);
  return {
    ...state,
    kind: "file",
    content: new FileContent(),
    names: 0,
    uses: 0,
    isForgotten: false,
  };
}

/** Makes an empty folder that has no name yet. */
export function newFolder(number: number, mode: number, time: number): FolderNode {
  return { ...stateOf(number, mode, time), kind: "folder", entries: new Map() };
}

/** Calls a function for each file and folder below a folder, once for each name. */
export function visit(
  folder: FolderNode,
  path: string,
  onNode: (node: DiskNode, path: string) => void,
): void {
  for (const [name, node] of folder.entries) {
    onNode(node, `${path}/${name}`);
    if (node.kind === "folder") visit(node, `${path}/${name}`, onNode);
  }
}

const BLOCK_BYTES = 4096;

/** Describes a file or folder as Deno does on Linux. */
export function infoOf(node: DiskNode): Deno.FileInfo {
  const isFile = node.kind === "file";
  const size = isFile ? node.content.length : BLOCK_BYTES;
  const folders = isFile ? [] : [...node.entries.values()].filter(({ kind }) => kind === "folder");
  return {
    isFile,
    isDirectory: !isFile,
    isSymlink: false,
    size,
    mtime: new Date(node.modified),
    atime: new Date(node.accessed),
    birthtime: new Date(node.created),
    ctime: new Date(node.modified),
    dev: 1,
    ino: node.number,
    mode: (isFile ? 0o100000 : 0o040000) | node.mode,
    nlink: isFile ? node.names : 2 + folders.length,
    uid: 0,
    gid: 0,
    rdev: 0,
    blksize: BLOCK_BYTES,
    blocks: Math.ceil(size / BLOCK_BYTES) * (BLOCK_BYTES / 512),
    isBlockDevice: false,
    isCharDevice: false,
    isFifo: false,
    isSocket: false,
  };
}
