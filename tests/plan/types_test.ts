import type { InferOutput } from "npm:valibot@1.5.0";
import type { LocalRule, TrainSettings } from "../../mod.ts";
import type { localRuleSchema } from "../../src/plan/rules/rules.ts";
import type { trainSettingsSchema } from "../../src/plan/settings.ts";
import { type Same, same } from "../helpers/same_type.ts";

// These claims are proved by the type check alone.

Deno.test("TrainSettings and LocalRule have the fields of their schemas, and no others", () => {
  same<Same<InferOutput<typeof trainSettingsSchema>, TrainSettings>>();
  same<Same<InferOutput<typeof localRuleSchema>, LocalRule>>();
});

Deno.test("Same tells types apart that differ in a field's type, presence or name", () => {
  interface Epochs {
    readonly epochs: number;
  }
  same<Same<{ epochs: number }, Epochs>>();
  // @ts-expect-error A field of another type.
  same<Same<{ epochs: string }, Epochs>>();
  // @ts-expect-error A field that may be absent.
  same<Same<{ epochs?: number }, Epochs>>();
  // @ts-expect-error A field that is missing.
  same<Same<Record<never, never>, Epochs>>();
  // @ts-expect-error A field more.
  same<Same<{ epochs: number; rounds?: number }, Epochs>>();
});
