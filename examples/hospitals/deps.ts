/** Third-party modules of these examples, by full specifier. */
export { BlobReader, Uint8ArrayWriter, ZipReader } from "npm:@zip.js/zip.js@2.24.0";
