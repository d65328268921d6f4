/**
 * The reader of ZIP archives, by full specifier; apart from the room's others so that only who reads an archive loads it.
 *
 * @module
 */

export {
  Reader as ZipSource,
  Uint8ArrayWriter,
  ZipReader as ZipFile,
} from "npm:@zip.js/zip.js@2.24.0";
