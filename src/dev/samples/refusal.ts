/** Why a webhook was refused, in the operator's words. */
import { isLocal } from "../../admin/local.ts";
import { ANSWERS } from "../../receive/refuse.ts";
import { secretName } from "../../settings.ts";
import { createVerifier } from "../../verify/schemes.ts";
import { explain } from "../../verify/verdict.ts";
import { loadMapping } from "../files.ts";
import type { Posted } from "./post.ts";
import { findSecret, secretFor } from "./secrets.ts";

export type Cause = { reason: string; means: string; todo: string; evidence?: string };

/**
 * Why a webhook got another answer than 200; undefined when nothing on this machine tells. A Worker says no more than
 * "unauthorized" to a sender; of one on this machine the cause is found by its own code and the secret of this machine.
 */
export async function whyRefused(provider: string, to: string, posted: Posted): Promise<Cause | undefined> {
  const code = errorOf(posted.text);
  if (code !== undefined && Object.hasOwn(ANSWERS, code)) return causeOf(code as keyof typeof ANSWERS);
  if (posted.status !== 401 || !isLocal(to)) return undefined;
  const name = secretName(provider);
  const verifier = await createVerifier(loadMapping(provider).file.verify, name, secretFor(provider));
  const verdict = await verifier(posted.request, Date.now());
  if (!verdict.ok) return { ...causeOf(verdict.refusal.reason), evidence: explain(verdict.refusal, name) };
  return {
    ...causeOf("signature_mismatch"),
    evidence: `it is signed with ${name} of ${findSecret(provider).from}, and the Worker was started with another one`,
    todo: "start the Worker again",
  };
}

function causeOf(reason: keyof typeof ANSWERS): Cause {
  const { means, todo } = ANSWERS[reason];
  return { reason, means, todo };
}

function errorOf(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === "string" ? error : undefined;
  } catch {
    return undefined;
  }
}
