/** Third-party modules of the exports, by full specifier. */
export { BinaryWriter, WireType } from "npm:@bufbuild/protobuf@2.16.0/wire";
