/** Names of the templates of `new`. */
export const TEMPLATE_NAMES = ["table", "text", "images", "browser", "own-training"] as const;
