/** Files and folders. Each function does what the function of that name in `Deno` does. */
export interface Files {
  /** Places that a position in a file is counted from. */
  readonly SeekMode: typeof Deno.SeekMode;
  /** Changes the permissions of a file. */
  chmod(path: string | URL, mode: number): Promise<void>;
  /** Gives a file a second name. */
  link(from: string, to: string): Promise<void>;
  /** Describes a file or folder, or a link itself. */
  lstat(path: string | URL): Promise<Deno.FileInfo>;
  /** Describes a file or folder, or a link itself. */
  lstatSync(path: string | URL): Deno.FileInfo;
  /** Creates an empty file with a name that no other file has. */
  makeTempFileSync(options?: Deno.MakeTempOptions): string;
  /** Creates a folder. */
  mkdir(path: string | URL, options?: Deno.MkdirOptions): Promise<void>;
  /** Creates a folder. */
  mkdirSync(path: string | URL, options?: Deno.MkdirOptions): void;
  /** Opens a file. */
  open(path: string | URL, options?: Deno.OpenOptions): Promise<Deno.FsFile>;
  /** Opens a file. */
  openSync(path: string | URL, options?: Deno.OpenOptions): Deno.FsFile;
  /** Lists a folder. */
  readDir(path: string | URL): AsyncIterable<Deno.DirEntry>;
  /** Lists a folder. */
  readDirSync(path: string | URL): Iterable<Deno.DirEntry>;
  /** Reads a file as text. */
  readTextFile(path: string | URL, options?: Deno.ReadFileOptions): Promise<string>;
  /** Resolves a path to an absolute one without links. */
  realPath(path: string | URL): Promise<string>;
  /** Removes a file or folder. */
  remove(path: string | URL, options?: Deno.RemoveOptions): Promise<void>;
  /** Removes a file or folder. */
  removeSync(path: string | URL, options?: Deno.RemoveOptions): void;
  /** Gives a file another name, and replaces a file that has it. */
  rename(from: string | URL, to: string | URL): Promise<void>;
  /** Gives a file another name, and replaces a file that has it. */
  renameSync(from: string | URL, to: string | URL): void;
  /** Describes a file or folder. */
  stat(path: string | URL): Promise<Deno.FileInfo>;
  /** Describes a file or folder. */
  statSync(path: string | URL): Deno.FileInfo;
  /** Cuts a file to a length in bytes. */
  truncateSync(name: string, length?: number): void;
  /** Writes a text to a file. */
  writeTextFile(path: string | URL, text: string, options?: Deno.WriteFileOptions): Promise<void>;
}

/** Files of this machine. Browsers have none: there each function throws a `ReferenceError`. */
export const systemFiles: Files = {
  get SeekMode() {
    return Deno.SeekMode;
  },
  chmod: (path, mode) => Deno.chmod(path, mode),
  link: (from, to) => Deno.link(from, to),
  lstat: (path) => Deno.lstat(path),
  lstatSync: (path) => Deno.lstatSync(path),
  makeTempFileSync: (options) => Deno.makeTempFileSync(options),
  mkdir: (path, options) => Deno.mkdir(path, options),
  mkdirSync: (path, options) => Deno.mkdirSync(path, options),
  open: (path, options) => Deno.open(path, options),
  openSync: (path, options) => Deno.openSync(path, options),
  readDir: (path) => Deno.readDir(path),
  readDirSync: (path) => Deno.readDirSync(path),
  readTextFile: (path, options) => Deno.readTextFile(path, options),
  realPath: (path) => Deno.realPath(path),
  remove: (path, options) => Deno.remove(path, options),
  removeSync: (path, options) => Deno.removeSync(path, options),
  rename: (from, to) => Deno.rename(from, to),
  renameSync: (from, to) => Deno.renameSync(from, to),
  stat: (path) => Deno.stat(path),
  statSync: (path) => Deno.statSync(path),
  truncateSync: (name, length) => Deno.truncateSync(name, length),
  writeTextFile: (path, text, options) => Deno.writeTextFile(path, text, options),
};
