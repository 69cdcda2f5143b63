/** Telling a click to a Worker, as a site's server does. */
import { POST_TIMEOUT } from "../limits.ts";
import { notThisWorker, request } from "../request.ts";

/** The body of `POST /clicks`. `clickedAt` in milliseconds; undefined: not told. */
export type ClickToTell = {
  clickId: string;
  clickedAt?: number | undefined;
  customerExternalId?: string | undefined;
  customerEmail?: string | undefined;
};

/** `events`: how many became leads by it. */
export type ToldAnswer = { events: number } | { error: string; message: string };

export async function tellClick(
  to: string,
  token: string,
  click: ClickToTell,
): Promise<{ status: number; answer: ToldAnswer }> {
  const url = `${to}/clicks`;
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
