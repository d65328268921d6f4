export { BaseHandler, ConsoleHandler, Logger, LogLevels, LogRecord } from "jsr:@std/log@0.224.14";
