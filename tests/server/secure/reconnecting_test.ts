import { assert, assertEquals } from "jsr:@std/assert@1.0.19";
import { MessageCode } from "../../../mod.ts";
import { clearModel, runSecure } from "./secure_run.ts";

Deno.test.sanitizer({ ops: true, resources: true });

const ALL = [1, 2, 3, 4, 5];
const { SecureKeys, SecureShares, MaskedUpdate, UnmaskShares } = MessageCode;

for (const when of ["before", "after"] as const) {
  for (
    const [name, code] of Object.entries({ SecureKeys, SecureShares, MaskedUpdate, UnmaskShares })
  ) {
    Deno.test(`a client that is cut off ${when} its ${name} is taken comes back into the round`, async () => {
      let cuts = 0;
      const { model, report, errors } = await runSecure({
        distBackend: "tcp",
        server: { timeouts: { heartbeatSeconds: 0.5 } },
        cut: (rank, got) => rank === 3 && got === code && cuts++ === 0 ? when : undefined,
      });
      assertEquals([...errors], []);
      assertEquals(report.rounds.map(({ tries, received }) => [tries, received]), [[1, 5], [1, 5]]);
      assertEquals(model, clearModel([ALL, ALL]));
      assert(cuts >= 2, "the message came again");
    });
  }
}
