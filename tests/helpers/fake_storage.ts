import type { StoredFile, StoredFolder } from "../../src/base/runtime/storage.ts";

/** Files of a browser, in memory. What a writer was given counts once it is closed. */
export function fakeStorage(files: Map<string, Uint8Array<ArrayBuffer>>): StoredFolder {
  const fileOf = (name: string): StoredFile => ({
    getFile: () => Promise.resolve(new Blob([files.get(name) ?? new Uint8Array()])),
    createWritable({ keepExistingData = false } = {}) {
      let content = keepExistingData ? files.get(name) ?? new Uint8Array() : new Uint8Array();
      let at = 0;
      return Promise.resolve({
        seek: (place: number) => Promise.resolve(void (at = place)),
        write(bytes: Uint8Array<ArrayBuffer>) {
          const next = new Uint8Array(Math.max(content.length, at + bytes.length));
          next.set(content);
          next.set(bytes, at);
          at += bytes.length;
          content = next;
          return Promise.resolve();
        },
        close: () => Promise.resolve(void files.set(name, content)),
      });
    },
  });
  const folder: StoredFolder = {
    getFileHandle(name, { create = false } = {}) {
      if (!files.has(name)) {
        if (!create) return Promise.reject(new Error(`no file ${name}`));
        files.set(name, new Uint8Array());
      }
      return Promise.resolve(fileOf(name));
    },
    getDirectoryHandle: () => Promise.resolve(folder),
    removeEntry: (name) => Promise.resolve(void files.delete(name)),
  };
  return folder;
}
