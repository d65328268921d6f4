/** Names of the templates of `new`. */
export const TEMPLATE_NAMES = ["table", "images", "browser", "own-training"] as const;
