import { assertEquals } from "jsr:@std/assert@1.0.19";
import { digestOf, PINNED_RUNS } from "../helpers/pinned_runs.ts";

/** SHA-256 of the models that earlier versions made of these runs; `deno run -A tests/helpers/pinned_runs.ts` prints those of this one. */
const DIGESTS: Readonly<Record<string, string>> = {
  "fedavg": "f2f1de2557ac73d2c92378f7d1af56c0d6c22ecf1db8eca58fa2c5cf7ab07bf5",
  "fedavgm": "60035a45545136f788dfbdbcc81215a0febe1d1d19c9bc7e00e5cb0f77c20f62",
  "fedadagrad": "a3ac0f26b873c999e415c179ffa33005ed9f21c9d99dd2e5e683cc2557021107",
  "fedadam": "61c8c029ac3010de0767c691929b384be11f87c6061956a744f4361fcc23957d",
  "fedyogi": "6c53bf30642a34f15f2dcc338e1477eb101afc747e75c3943259393e4a0a4304",
  "fednova": "f2f1de2557ac73d2c92378f7d1af56c0d6c22ecf1db8eca58fa2c5cf7ab07bf5",
  "qfedavg": "0d577dbe042374e70d92bd29ee43a3fc3c9c5558a01515647f4ce0e48762f294",
  "fedsgd": "a316f5ce2400670a0118c2a8feffe61378f60f8ad3c2e21fd3d70252c5d839d9",
  "fedprox": "9aa2e7a05e40553d8d1ce7a1e3c06c88cfc176f78eaa3d09903a29f94471e4b4",
  "scaffold": "3a853080bf7cbbc542bf25864622dbf1e0dc7506864dfc40233b0757df2a94e6",
  "feddyn": "73f8b60cafbc8502ae6d59e75718f6eb43274421ac65e73228436fa34cfca1a6",
  "ditto": "f2f1de2557ac73d2c92378f7d1af56c0d6c22ecf1db8eca58fa2c5cf7ab07bf5",
  "fedper:local=logits": "a1a66342eb979041440afa8a5732b802ff70d07be3fb9937e54bcccbf406de1a",
  "median": "4d3b63cb41028feb8f4d044b3c2f1c149fa53eea1553bdb9eb1251f0d2696587",
  "trimmed-mean:attackers=1": "b682b2384e51a0e59284bfd3414e8e7a71d5cab5cb08e4b90ccc2512e315919b",
  "geometric-median": "d495fe1c905c75740eb7a443efe7357e0a783edc18474b8ae71fe5cf3941b804",
  "krum:attackers=1": "060c73f25ea5c8aee0111b92de79d62a8734a9551581dd530c578310e02463a2",
  "multi-krum:attackers=1": "afb8e80cf91c8214f5a94240e5bf9a9f80a2d2d576269374a04902adc17e3630",
  "bulyan:attackers=1": "5d64f821003f8a725f168a649fd4c35777e899cd9b404f367c70b2b95ed2a980",
  "norm-clipping:bound=1": "f2f1de2557ac73d2c92378f7d1af56c0d6c22ecf1db8eca58fa2c5cf7ab07bf5",
  "fedavg over tcp": "f2f1de2557ac73d2c92378f7d1af56c0d6c22ecf1db8eca58fa2c5cf7ab07bf5",
  "fedavg over websocket": "f2f1de2557ac73d2c92378f7d1af56c0d6c22ecf1db8eca58fa2c5cf7ab07bf5",
  "scaffold in memory": "3a853080bf7cbbc542bf25864622dbf1e0dc7506864dfc40233b0757df2a94e6",
  "fedadam over tcp": "61c8c029ac3010de0767c691929b384be11f87c6061956a744f4361fcc23957d",
  "adam, of a fraction": "baf9894d95c4c433366a1a160974cbc56554f2256559870b3b4e910becf3fba4",
  "nesterov with weight decay": "f65f6de3e8db7ca160360c426741fc35d103a27629e3e18cd3194b4188cf392e",
  "a cnn": "a2052f250f3ea8402e0a837932a7166fbb301eb429a300c94b5ff0b39e7fa5c8",
  "fedavg on tfjs, in memory": "2387341169cee607d88b74af4b81700ff3019f9ef5bd1e359c12750ed98e8308",
  "logistic regression from random weights":
    "b69966162c944e27884fd8d16d0299b2d049d257393fec62faf1cca90eb8ea6e",
  "logistic regression from random weights on tfjs, in memory":
    "41b801ad30f2886c7e02457dc7410c3b052f4bae0c05c7a190828d0508122138",
  "logistic regression": "cc95abd9eb8c25260a957fa59a855056501c47c831c9584371763df71166729e",
};

for (const [name, run] of Object.entries(PINNED_RUNS)) {
  Deno.test(`the model of ${name} is that of earlier versions, bit for bit`, async () => {
    assertEquals(await digestOf(run), DIGESTS[name]);
  });
}

Deno.test("every pinned run has a digest", () => {
  assertEquals(Object.keys(DIGESTS), Object.keys(PINNED_RUNS));
});
