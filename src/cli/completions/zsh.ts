import type { CompletedCommand, CompletedOption } from "./words.ts";

/** Writes the completion script for zsh. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  return [
    "#compdef fedlab",
    "# Completion of fedlab for zsh; written by: fedlab completions zsh",
    "_fedlab() {",
    "  local -a commands",
    "  commands=(",
    ...commands.map(({ name, help }) => `    ${inQuotes(`${name}:${help}`)}`),
    "  )",
    "  if (( CURRENT == 2 )); then",
    "    _describe command commands",
    "    return",
    "  fi",
    "  local command=$words[2]",
    "  shift words",
    "  (( CURRENT-- ))",
    "  case $command in",
    ...commands.flatMap(({ name, options, argument }) => [
      `    ${name})`,
      "      _arguments \\",
      ...options.map((option) => `        ${specOf(option)} \\`),
      `        ${argumentSpec(argument)}`,
      "      ;;",
    ]),
    "  esac",
    "}",
    "compdef _fedlab fedlab",
    "",
  ].join("\n");
}

function specOf({ flag, help, value }: CompletedOption): string {
  const text = help.replace(/[[\]\\:]/g, "\\$&");
  const action = typeof value !== "string"
    ? `:value:(${value.join(" ")})`
    : { none: "", file: ":file:_files", text: ":value: " }[value];
  return inQuotes(`*${flag}[${text}]${action}`);
}

function argumentSpec(argument: CompletedCommand["argument"]): string {
  if (argument === "file") return "'*:file:_files'";
  return argument === "none" ? "'*: :'" : inQuotes(`1:argument:(${argument.join(" ")})`);
}

function inQuotes(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
