import type { Logger } from "../base/log/log.ts";

/** A line of a log that is kept elsewhere, as a message. */
export interface PostedLine {
  readonly type: "log";
  readonly level: keyof Logger;
  readonly text: string;
}

/** A logger whose lines are posted. */
export function postedLogger(post: (line: PostedLine) => void): Logger {
  const at = (level: keyof Logger) => (message: string, ...args: unknown[]) =>
    post({ type: "log", level, text: [message, ...args.map(String)].join(" ") });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
