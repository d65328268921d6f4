/** Tokenizers of pretrained models, by full specifier; loaded only where one is opened. */
export { Tokenizer } from "npm:@huggingface/tokenizers@0.2.0";
