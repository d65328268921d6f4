/**
 * The wire: message codes, what messages carry, frames.
 *
 * @module
 */

export * from "./frame.ts";
export * from "./message_code.ts";
export * from "./messages.ts";
