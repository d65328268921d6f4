/** Third-party module of the commands, by full specifier. */
export { Command, CommanderError, Help, InvalidArgumentError, Option } from "npm:commander@15.0.0";
