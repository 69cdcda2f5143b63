/** Telling a click to a Worker, as a site's server does. */
import { CLICKS_TOKEN } from "../../clicks/proof.ts";
import { readSecret } from "../../verify/secret.ts";
import { POST_TIMEOUT } from "../limits.ts";
import { notThisWorker, request } from "../request.ts";
import { UserError } from "../user-error.ts";

/** The body of `POST /clicks`. `clickedAt` in milliseconds; undefined: not told. */
export type ClickToTell = {
  clickId: string;
  clickedAt?: number | undefined;
  customerExternalId?: string | undefined;
  customerEmail?: string | undefined;
};

/** `events`: how many became leads by it. */
export type ToldAnswer = { events: number } | { error: string; message: string };

/** `tokens`: the CLICKS_TOKEN; while it is rotated there are two, of which the first is sent. */
export async function tellClick(
  to: string,
  tokens: string,
  click: ClickToTell,
): Promise<{ status: number; answer: ToldAnswer }> {
  const url = `${to}/clicks`;
  const [token = ""] = readSecret(CLICKS_TOKEN, tokens);
  // fetch would name the value.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new UserError(`${CLICKS_TOKEN} has characters that a header can't have.`);
  const { status, text } = await request(
    url,
    {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ ...click, sentAt: Date.now() }),
    },
    POST_TIMEOUT,
  );
  try {
    const answer = JSON.parse(text) as ToldAnswer;
    if ("events" in answer || "error" in answer) return { status, answer };
  } catch {}
  throw notThisWorker(url, status, text);
}
