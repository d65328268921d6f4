/** Writer of a file that a browser keeps. What is written counts once the writer is closed. */
export interface StoredWriter {
  /** Sets the place at which the next bytes are written. */
  seek(position: number): Promise<void>;
  /** Writes bytes. */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Ends the writing and keeps what was written. */
  close(): Promise<void>;
}

/** File that a browser keeps. */
export interface StoredFile {
  /** Gives the content. */
  getFile(): Promise<Blob>;
  /** Opens a writer. */
  createWritable(options?: { keepExistingData?: boolean }): Promise<StoredWriter>;
}

/** Folder that a browser keeps. */
export interface StoredFolder {
  /** Finds a file, or creates an empty one. */
  getFileHandle(name: string, options?: { create?: boolean }): Promise<StoredFile>;
  /** Finds a folder, or creates one. */
  getDirectoryHandle(name: string, options?: { create?: boolean }): Promise<StoredFolder>;
  /** Removes a file. */
  removeEntry(name: string): Promise<void>;
}

/** Files that a browser keeps for a page: the origin private file system. */
export interface Storage {
  /** Gives the folder of this page's origin. */
  folder(): Promise<StoredFolder>;
  /** Calls a function while no other page or worker of the origin is in one of this name. */
  exclusive<Result>(name: string, use: () => Promise<Result>): Promise<Result>;
}

/** Files of this browser. Deno has none: there each function throws a `TypeError`. */
export const systemStorage: Storage = {
  folder() {
    const { storage } = navigator as { storage?: { getDirectory(): Promise<StoredFolder> } };
    if (storage === undefined) throw new TypeError("this runtime has no origin private files");
    return storage.getDirectory();
  },
  async exclusive(name, use) {
    const { locks } = navigator as {
      locks?: { request<Result>(name: string, use: () => Promise<Result>): Promise<Result> };
    };
    return locks === undefined ? await use() : await locks.request(name, use);
  },
};
