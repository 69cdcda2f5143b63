/** Where a syntax error is, and what was probably meant: JMESPath's own parser says neither. */
import { compile, tokenize } from "@jmespath-community/jmespath";
import { spend } from "./budget.ts";

type Tokens = ReturnType<typeof tokenize>;

/** The tokens of an expression without its end; none when it can't be read at all. */
export function tokensOf(source: string): Tokens {
  try {
    return tokenize(source).filter(({ type }) => String(type) !== "EOF");
  } catch {
    return [];
  }
}

/** The parser stops at the first token with which the beginning of the source fails in the same words. 1-based. */
export function columnOf(source: string, message: string): number {
  if (message.includes("EOF")) return source.length + 1;
  const tokens = tokensOf(source).map(({ start }) => start);
  const starts = tokens.length > 0 ? tokens : Array.from(source, (_, i) => i);
  for (const [i, start] of starts.entries()) {
    const end = starts[i + 1] ?? source.length;
    spend(end / 8);
    try {
      compile(source.slice(0, end));
    } catch (error) {
      if ((error as Error).message === message) return start + 1;
    }
  }
  return source.length + 1;
}

/**
 * The 1-based column of a quotation mark or backtick that is never closed, or undefined. JMESPath reads such a text to
 * the end of the expression without a word.
 */
export function unclosedAt(source: string): number | undefined {
  for (let i = 0; i < source.length; i++) {
    const mark = source[i] as string;
    if (!"'\"`".includes(mark)) continue;
    const start = i;
    do i += source[i] === "\\" ? 2 : 1;
    while (i < source.length && source[i] !== mark);
    if (i >= source.length) return start + 1;
  }
  return undefined;
}

/** The parser's message in the words of the person who writes an expression. */
export function readable(message: string, source: string, column: number): string {
  if (message.includes("EOF")) return "something is missing at the end";
  if (!/\b(unexpected|unknown|invalid|expecting)\b/.test(message)) return message;
  const [found = ""] = /^([\w$]+|.)/su.exec(source.slice(column - 1)) ?? [];
  return `${JSON.stringify(found)} is not expected here`;
}

const WORDS = new Map<unknown, string>([
  ["and", "&&"],
  ["or", "||"],
  ["not", "!"],
]);

/** Habits of other languages that make an expression unreadable, each with what to write. */
const HABITS: [pattern: RegExp, said: (found: string) => string][] = [
  [/[!=]==/, (found) => `"${found}" is no comparison, write "${found.slice(0, 2)}"`],
  [/[‘’“”„]/, (found) => `${found} is a typographic quotation mark, write '`],
  [/<>/, () => 'write "!=" for "is not"'],
  [/`[A-Za-z_][^`]*`/, (found) => `text stands in single quotes, write '${found.slice(1, -1)}'`],
];

/** What was probably meant by an expression that does not compile, with its 1-based column; undefined when nothing fits. */
export function hintFor(source: string): { message: string; column: number } | undefined {
  for (const [pattern, said] of HABITS) {
    const match = pattern.exec(source);
    if (match && !isLiteral(match[0])) return { message: said(match[0]), column: match.index + 1 };
  }
  const tokens = tokensOf(source);
  const [, second] = tokens;
  if (
    second &&
    /^[\p{L}\d]+([ ,!?:;-]+[\p{L}\d]+)+[.!?]?$/u.test(source) &&
    !tokens.some(({ value }) => WORDS.has(value))
  )
    return { message: `text stands in single quotes, write '${source}'`, column: second.start + 1 };
  for (const [i, token] of tokens.entries()) {
    const before = tokens[i - 1];
    const column = token.start + 1;
    const type = String(token.type);
    const operand =
      before && !/^(Or|And|Not|EQ|NE|[GL]TE?|Comma|Lparen|Lbracket|Dot|Pipe)$/.test(String(before.type));
    const word = WORDS.get(token.value);
    if (type === "UnquotedIdentifier" && word && (operand || token.value === "not"))
      return { message: `"${token.value}" is no operator, write "${word}"`, column };
    if (type === "Expref" && operand) return { message: '"&" is no operator, write "&&"', column };
    if (type === "Number" && !["Lbracket", "Colon"].includes(String(before?.type)))
      return { message: `numbers stand in backticks, write \`${token.value}\``, column };
  }
  return undefined;
}

function isLiteral(text: string): boolean {
  return text === "`true`" || text === "`false`" || text === "`null`";
}
