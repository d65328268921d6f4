import type { CompletedCommand, CompletedOption } from "./words.ts";

/** Writes the completion script for fish. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  return [
    "# Completion of fedlab for fish; written by: fedlab completions fish",
    ...commands.map(({ name, help }) =>
      `complete -c fedlab -n __fish_use_subcommand -f -a ${name} -d ${inQuotes(help)}`
    ),
    ...commands.flatMap(({ name, options, argument }) => {
      const condition = `-n '__fish_seen_subcommand_from ${name}'`;
      const words = typeof argument === "string"
        ? argument === "none" ? "-f" : "-F"
        : `-f -a ${inQuotes(argument.join(" "))}`;
      return [
        `complete -c fedlab ${condition} ${words}`,
        ...options.map((option) => `complete -c fedlab ${condition} ${specOf(option)}`),
      ];
    }),
    "",
  ].join("\n");
}

function specOf({ flag, help, value }: CompletedOption): string {
  const action = typeof value !== "string"
    ? ` -x -a ${inQuotes(value.join(" "))}`
    : { none: "", file: " -r -F", text: " -x" }[value];
  return `-l ${flag.slice(2)}${action} -d ${inQuotes(help)}`;
}

function inQuotes(text: string): string {
  return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
}
