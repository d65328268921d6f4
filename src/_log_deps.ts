export {
  BaseHandler,
  ConsoleHandler,
  FileHandler,
  Logger,
  LogLevels,
  type LogRecord,
} from "jsr:@std/log@0.224.14";
