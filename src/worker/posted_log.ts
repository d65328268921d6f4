import type { Logger } from "../base/log/log.ts";

/** Message with a line for a log that the program writes. */
export interface PostedLine {
  readonly type: "log";
  readonly level: keyof Logger;
  readonly text: string;
}

/** Creates a logger that posts its lines. */
export function postedLogger(post: (line: PostedLine) => void): Logger {
  const at = (level: keyof Logger) => (message: string, ...args: unknown[]) =>
    post({ type: "log", level, text: [message, ...args.map(String)].join(" ") });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
