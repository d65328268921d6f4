import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { load, YAML11_SCHEMA } from "npm:js-yaml@5.5.0";
import config from "../../deno.json" with { type: "json" };
import { type CommandName, flagOf } from "../../src/cli/options/option.ts";
import { optionsOf } from "../../src/cli/options/table.ts";

const FOLDER = new URL("../../examples/cluster/", import.meta.url);

const textOf = (name: string) => Deno.readTextFile(new URL(name, FOLDER));

/** Checks that a command has each flag that it is given, and is given each that it needs. */
function checkFlags([name = "", ...args]: readonly string[]): void {
  const options = optionsOf(name as CommandName);
  const given = args.map((arg) => arg.split("=", 1)[0] ?? "");
  for (const flag of given) {
    assert(options.some((option) => flagOf(option.name) === flag), `${name} ${flag}`);
  }
  for (const { name: needed, isRequired } of options) {
    if (isRequired) assert(given.includes(flagOf(needed)), `${name} without ${flagOf(needed)}`);
  }
}

Deno.test("the services of the cluster's Compose file have options of their commands", async () => {
  const { services } = load(await textOf("compose.yaml"), { schema: YAML11_SCHEMA }) as {
    services: Readonly<Record<string, { command?: string[]; entrypoint?: string[] }>>;
  };
  assertEquals(Object.keys(services), ["config", "nats", "worker", "simulate"]);
  checkFlags(services.config?.command ?? []);
  checkFlags(services.worker?.command ?? []);
  const { entrypoint = [] } = services.simulate ?? {};
  checkFlags(entrypoint.slice(entrypoint.indexOf("simulate")));
});

Deno.test("the worker's unit has options and permissions of its command", async () => {
  const [, command = ""] = /^ExecStart=(.+)$/m.exec(await textOf("fedlab-worker.service")) ?? [];
  const words = command.split(" ");
  checkFlags(words.slice(words.indexOf("worker")));
  const variables = (text: string) => /--allow-env=(\S+)/.exec(text)?.[1];
  assertEquals(variables(command), variables(config.tasks.worker.command));
});
