import type { MessageTable } from "../../src/wire/mod.ts";
import type { messageTypes } from "../../src/wire/messages.ts";
import { type Same, same } from "../helpers/same_type.ts";

/** Payload of each message of a table. */
type PayloadsOf<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends
    { check(map: unknown, name: string): { readonly payload: infer Payload } } ? Payload
    : never;
};

/** The payloads as their schemas give them. */
type Checked = PayloadsOf<typeof messageTypes>;
/** The payloads as they are documented. */
type Documented = PayloadsOf<MessageTable>;

// These claims are proved by the type check alone.

Deno.test("every payload has the fields of its message's schema, and no others", () => {
  same<Same<Checked, Documented>>();
});

Deno.test("a payload that parts from its schema fails the type check", () => {
  type Schema = Checked["Registration"];
  type Payload = Documented["Registration"];
  same<Same<Schema, Payload>>();
  // @ts-expect-error A field of another type.
  same<Same<Schema, Omit<Payload, "agent"> & { agent: number }>>();
  // @ts-expect-error A field that may be absent in one of the two.
  same<Same<Schema, Omit<Payload, "agent"> & { agent?: string }>>();
  // @ts-expect-error A field that the schema does not have.
  same<Same<Schema, Payload & { since?: number }>>();
  // @ts-expect-error A field that the payload does not have.
  same<Same<Schema, Omit<Payload, "token">>>();
});
