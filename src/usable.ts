/**
 * Which texts a lead field can use. Programs leave placeholders behind (`undefined`, `[object Object]`, `{{dub_id}}`);
 * sent on, they would make one customer of many people.
 */

/** Dub's own e-mail pattern, from the description of `POST /track/lead` in its OpenAPI document. */
const EMAIL =
  /^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$/;

/** Longest click id and e-mail address, in UTF-16 units (click id: ours; e-mail: Dub's OpenAPI document). */
const MAX_CLICK_ID = 200;
const MAX_EMAIL = 100;

/** Texts that stand for "no value" in any field, in lower case with dashes for blanks and underscores. */
const PLACEHOLDERS = new Set(
  "undefined null nil none nan n/a n.a. unset not-set not-available not-applicable not-provided".split(" "),
);

/** Texts that are no person's id. */
const NO_IDS = new Set(
  [
    "missing missing-id no-id empty void invalid true false todo tbd unknown anonymous guest",
    "id user-id userid customer-id customerid external-id string 00000000-0000-0000-0000-000000000000",
  ].flatMap((line) => line.split(" ")),
);

/** Placeholders that, written so, are also names of people. */
const NAMES = new Set(["Null", "Nil", "Nan"]);

const TEMPLATES = [
  /^\{\{.*\}\}$/s, // {{user.id}}
  /\$\{[^}]*\}/, // ${user.id}
  /^\{[\w .-]*\}$/, // {user_id}
  /^\[[\w .-]*\]$/, // [user_id]
  /^<[^<>]*>$/, // <user id>
  /^%[^%]+%$/, // %USER_ID%
  /\[object \w+\]/, // a JavaScript object written as text
  /<nil>|^%!\w\(/, // Go's
  /^your[\s_-]/i, // YOUR_USER_ID
  /^\S*(?<![a-z0-9])undefined(?![a-z0-9])\S*$/i, // user_undefined
  /^[!-/:-@[-`{-~–—…•\s]*$/, // -, ?, ***
];

/** Longer texts are no placeholders; the patterns would take minutes for a text of a megabyte. */
const MAX_PLACEHOLDER = 1000;

/** White space and characters that can't be seen. */
const BLANK = /^[\s\u200B-\u200D\u2060\uFEFF]*$/;

/** Whether a text stands for "no value": blank, a word such as `undefined` or `n/a`, or a template nobody filled in. */
export function isPlaceholder(text: string): boolean {
  if (BLANK.test(text)) return true;
  if (text.length > MAX_PLACEHOLDER) return false;
  const bare = text.trim().replace(/^["'(]+|["')]+$/g, "");
  if (NAMES.has(bare)) return false;
  return (
    isNoValue(bare) ||
    bare.split(/\s+/).every(isNoValue) ||
    TEMPLATES.some((template) => template.test(text.trim()))
  );
}

function isNoValue(text: string): boolean {
  return PLACEHOLDERS.has(normal(text));
}

function normal(text: string): string {
  return text.toLowerCase().replace(/[\s_]+/g, "-");
}

/** Whether a text can be a customer's id. Upper and lower case make no difference here. */
function isId(text: string): boolean {
  const id = text.trim().toLowerCase();
  return !isPlaceholder(id) && !NO_IDS.has(normal(id)) && !/[|:/](null|nan|none)$|\*{2,}|•{2,}/.test(id);
}

/** What log masking and hashing leave of a name or number. */
const MASKED = /\*{2,}|•{2,}|^(?=.*\d)([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i;
const PHONE = /^(tel:)?(?=.*\d)[+(\dx*•][\dx*•\s().\-/]{5,}$/i;
const ADDRESS = /^[^\s@]+@[^\s@]+$/;

/** Whether a text can be a person's name: an e-mail address, a phone number or masked text is none. */
function isName(text: string): boolean {
  const name = text.trim();
  return !isPlaceholder(name) && !ADDRESS.test(name) && !PHONE.test(name) && !MASKED.test(name);
}

/** Whether a text is an e-mail address that Dub takes. */
export function isEmail(text: string): boolean {
  const email = text.trim();
  return email.length <= MAX_EMAIL && EMAIL.test(email) && !isPlaceholder(email);
}

/** What Dub's guides, its install check and copied snippets put where a click id should be. */
const NO_CLICK_IDS = new Set(["test", "click-id", "clickid", "dub-id", "dubclickid", "dub-click-id"]);
const NO_CLICK_ID = /^(?:insert|replace|enter|paste)[_-]|[_-]here$/i;

/**
 * The click id in a text or number, or undefined when there is none to use. The `dub_id_` of a Stripe payment link is
 * stripped. Dub's ids are 16 letters and digits; others are taken as long as they are letters, digits or `_.~+/=-`.
 */
export function usableClickId(value: unknown): string | undefined {
  const text = typeof value === "number" && Number.isFinite(value) ? String(value) : value;
  if (typeof text !== "string") return undefined;
  const id = text.trim().replace(/^dub_id_/, "");
  const usable =
    id.length <= MAX_CLICK_ID &&
    /^[\w.~+/=-]+$/.test(id) &&
    !isPlaceholder(id.toLowerCase()) &&
    !isNoClickId(id);
  return usable ? id : undefined;
}

function isNoClickId(text: string): boolean {
  return NO_CLICK_IDS.has(normal(text)) || NO_CLICK_ID.test(text);
}

/**
 * What is wrong with a text that stands where a click id should be, without the text itself; undefined when there is
 * none, or it is a click id.
 */
export function clickIdProblem(value: unknown): string | undefined {
  if (typeof value !== "string" || BLANK.test(value) || usableClickId(value) !== undefined) return undefined;
  const text = value.trim().replace(/^dub_id_/, "");
  if (isNoValue(text)) return "dropped: a placeholder such as undefined or null, which stands for no value";
  if (isPlaceholder(text) || isNoClickId(text) || /[{}[\]<>%$]/.test(text))
    return "dropped: a placeholder such as {{dub_id}} or YOUR_CLICK_ID, which the sign-up form did not fill in";
  return `dropped: not a click id: ${text.length > MAX_CLICK_ID ? `over ${MAX_CLICK_ID} characters` : "it has blanks or other characters that no click id has"}`;
}

/** Lead fields whose texts have rules of their own; for every other field a text only must be no placeholder. */
const RULES: Record<string, (text: string) => boolean> = {
  clickId: (text) => usableClickId(text) !== undefined,
  customerExternalId: isId,
  customerName: isName,
  customerEmail: isEmail,
};

/** Whether a lead field can use a text. In `a || b` of a mapping file, a text that it can't use makes `b` count. */
export function isUsable(field: string, text: string): boolean {
  return (RULES[field] ?? ((other) => !isPlaceholder(other)))(text);
}
