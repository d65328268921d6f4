/** Tokenizer of some words, by default four, in the form of Hugging Face's `tokenizers`. */
export function smallTokenizer(
  more: Record<string, unknown> = {},
  words: readonly string[] = ["my", "card", "##s", "lost"],
): Uint8Array<ArrayBuffer> {
  const tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", ...words];
  return new TextEncoder().encode(JSON.stringify({
    version: "1.0",
    truncation: { max_length: 3, strategy: "LongestFirst", stride: 0, direction: "Right" },
    padding: { strategy: { Fixed: 12 }, pad_id: 0, pad_type_id: 0, pad_token: "[PAD]" },
    added_tokens: tokens.slice(0, 4).map((content, id) => ({
      ...{ id, content, single_word: false, lstrip: false, rstrip: false },
      ...{ normalized: false, special: true },
    })),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: "[CLS]", type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: "[SEP]", type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] },
        "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] },
      },
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    },
    ...more,
  }));
}
