/** The text of a Worker secret: one secret, or several separated by white space while they are rotated. */

/** A secret that can't be used. The message says what is wrong with it, and never holds its value. */
export class SecretError extends Error {
  /** Name of the Worker secret. */
  secret: string;
  constructor(secret: string, problem: string) {
    super(`${secret} ${problem}`);
    this.secret = secret;
  }
}

/** What is often entered instead of a secret: a pattern of one word of it, and what to tell the operator. */
const MISTAKES: [word: RegExp, problem: string][] = [
  [/["“”„]|^['`‘]|['`’]$/, "contains quotation marks: enter the secret without them"],
  [
    /^(?:[a-z]\w*_\w*|\w*(?:secret|token|key|password))=[^=]|^=/i,
    "contains a name and =: enter only what follows the =",
  ],
  [/^[a-z][a-z-]*:$|^authorization:/i, "contains the name of a header: enter only the secret itself"],
  [/^https?:\/\//i, "is an address, not a secret"],
  [/^(?:sk|rk|pk|ak)_/i, "is an API key, not the secret of the webhook: copy the webhook's signing secret"],
  [/^dub_/, "is an API key of Dub, not the secret of the webhook"],
  [/^(?:we|ep)_/, "is the id of a webhook endpoint, not its secret: copy the endpoint's signing secret"],
  [/^<|>$/, "is a placeholder: enter the secret itself"],
  [/^(?!v1,whsec_[^,;]+$).*[,;]/, "contains a comma or semicolon: separate several secrets by a space"],
];

/**
 * The secrets in the text of the Worker secret `name`. The word `prefix` (such as `Bearer`) may stand before each of
 * them. Throws a SecretError for what is known to be something else. How long a secret must be is the scheme's matter.
 */
export function readSecret(name: string, text: string, prefix = ""): string[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  for (const [pattern, problem] of MISTAKES)
    if (words.some((word) => pattern.test(word))) throw new SecretError(name, problem);
  const values = words.filter((word) => word.toLowerCase() !== prefix.trim().toLowerCase());
  const [first = ""] = values;
  if (/^(?:bearer|basic)$/i.test(first))
    throw new SecretError(name, `begins with "${first}": enter only the secret that follows`);
  return values;
}
