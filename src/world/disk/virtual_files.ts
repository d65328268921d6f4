import { systemFiles } from "../../base/runtime/files.ts";
import type { Files } from "../../base/runtime/runtime.ts";
import { infoOf } from "./node.ts";
import { checkOpenOptions, openFile, UMASK } from "./open_file.ts";
import { DiskFailure } from "./os_error.ts";
import { pathText } from "./path_walk.ts";
import type { CallOptions, SystemCalls } from "./system_calls.ts";
import { readText, writeText } from "./whole_texts.ts";

/** Returns the files of a disk for a process. */
export function virtualFiles(calls: SystemCalls): Files {
  const { disk } = calls, { tree } = disk;
  const now = <Result>(call: string, path: string | URL, act: (path: string) => Result): Result => {
    const text = pathText(path);
    return calls.now(named(`${call} '${text}'`), () => act(text));
  };
  const later = async <Result>(call: string, path: string | URL, act: (path: string) => Result) => {
    const text = pathText(path);
    return await calls.later(named(`${call} '${text}'`), () => act(text));
  };
  const stat = (path: string) => infoOf(tree.find(path));
  const open = (options: Deno.OpenOptions) => (path: string): Deno.FsFile => {
    checkOpenOptions(options, path);
    return openFile(calls, path, options);
  };
  const mkdir = ({ mode = 0o777, recursive = false }: Deno.MkdirOptions) => (path: string) =>
    tree.makeFolder(path, mode & 0o777 & ~UMASK, recursive);
  const remove = ({ recursive = false }: Deno.RemoveOptions) => (path: string) =>
    tree.remove(path, recursive);
  const rename = (from: string | URL, to: string | URL) => {
    const [old, name] = [pathText(from), pathText(to)];
    const options = named(`rename '${old}' -> '${name}'`);
    return { options, act: () => tree.rename(old, name) };
  };
  const entries = (path: string) => entriesOf(calls, path);
  return {
    get SeekMode() {
      return systemFiles.SeekMode;
    },
    chmod: (path, mode) =>
      later("chmod", path, (path) => {
        const node = tree.find(path);
        disk.checkChange();
        node.mode = mode & 0o777;
      }),
    link: (from, to) => calls.later(named(`link '${from}' -> '${to}'`), () => tree.link(from, to)),
    lstat: (path) => later("lstat", path, stat),
    lstatSync: (path) => now("lstat", path, stat),
    makeTempFileSync: (options = {}) => calls.now(named("tmpfile"), () => makeTemp(calls, options)),
    mkdir: (path, options = {}) => later("mkdir", path, mkdir(options)),
    mkdirSync: (path, options = {}) => now("mkdir", path, mkdir(options)),
    open: async (path, options = { read: true }) => await later("open", path, open(options)),
    openSync: (path, options = { read: true }) => now("open", path, open(options)),
    readDir: (path) => ({
      async *[Symbol.asyncIterator]() {
        yield* await later("readdir", path, entries);
      },
    }),
    readDirSync: (path) => now("readdir", path, entries),
    readTextFile: (path, options) => readText(calls, pathText(path), options),
    realPath: (path) =>
      later("realpath", path, (text) => {
        tree.find(text);
        return tree.place(text).path;
      }),
    remove: (path, options = {}) => later("remove", path, remove(options)),
    removeSync: (path, options = {}) => now("remove", path, remove(options)),
    rename: async (from, to) => {
      const { options, act } = rename(from, to);
      await calls.later(options, act);
    },
    renameSync: (from, to) => {
      const { options, act } = rename(from, to);
      calls.now(options, act);
    },
    stat: (path) => later("stat", path, stat),
    statSync: (path) => now("stat", path, stat),
    truncateSync: (path, length = 0) =>
      now("truncate", path, (path) => {
        using file = openFile(calls, path, { write: true }, `truncate '${path}'`);
        file.truncateSync(length);
      }),
    writeTextFile: (path, text, options) => writeText(calls, pathText(path), text, options),
  };
}

function named(name: string): CallOptions {
  return { name, named: name };
}

function entriesOf({ disk }: SystemCalls, path: string): Deno.DirEntry[] {
  disk.checkOpening();
  const place = disk.tree.place(path), node = disk.tree.find(path);
  if (node.kind === "file") throw new DiskFailure("ENOTDIR");
  disk.checkRead(place.path);
  return [...node.entries].map(([name, { kind }]) => ({
    name,
    isFile: kind === "file",
    isDirectory: kind === "folder",
    isSymlink: false,
  }));
}

/** Makes an empty file with a name that is drawn. */
function makeTemp(calls: SystemCalls, options: Deno.MakeTempOptions): string {
  const { dir = "/tmp", prefix = "", suffix = "" } = options, { disk } = calls;
  if (/[/\\]/.test(prefix + suffix)) {
    throw new Error('Invalid character in prefix or suffix: "/"');
  }
  disk.checkOpening();
  for (;;) {
    const digits = [disk.random.uint32(), disk.random.uint32()]
      .map((word) => word.toString(16).padStart(8, "0")).join("");
    const path = `${dir}/${prefix}${digits}${suffix}`, place = disk.tree.place(path);
    if (place.node !== undefined) continue;
    disk.tree.makeFile(place, 0o600);
    return path;
  }
}
