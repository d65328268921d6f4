import type { CompletedCommand } from "./words.ts";

/** Writes the completion script for bash, which also runs in version 3.2. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap(({ flag, value }) => {
      if (value === "none") return [];
      const words = typeof value === "string"
        ? value === "file" ? '-f -- "$cur"' : undefined
        : `-W "${value.join(" ")}" -- "$cur"`;
      const reply = words === undefined ? "()" : `($(compgen ${words}))`;
      return [`    "${name} ${flag}") COMPREPLY=${reply}; return ;;`];
    })
  );
  const words = commands.map(({ name, options, argument }) => {
    const all = options.map(({ flag }) => flag);
    const more = typeof argument === "string" ? [] : argument;
    const files = argument === "file" ? ' COMPREPLY+=($(compgen -f -- "$cur"));' : "";
    return `    ${name}) COMPREPLY=($(compgen -W "${
      [...more, ...all].join(" ")
    }" -- "$cur"));${files} ;;`;
  });
  return [
    "# Completion of fedlab for bash; written by: fedlab completions bash",
    "_fedlab() {",
    "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}",
    "  local IFS=$' \\t\\n'",
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$cur"))`,
    "    return",
    "  fi",
    '  case "$command $prev" in',
    ...values,
    "  esac",
    '  case "$command" in',
    ...words,
    "  esac",
    "}",
    "complete -o filenames -F _fedlab fedlab",
    "",
  ].join("\n");
}
