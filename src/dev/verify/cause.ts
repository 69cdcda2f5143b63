/** Looks for the cause why a captured request does not match: tries what often differs until something matches. */
import { createVerifier, type Verify } from "../../verify/schemes.ts";
import { SecretError } from "../../verify/secret.ts";
import type { SignedRequest } from "../../verify/verdict.ts";
import { requestVariants, schemeVariants, secretVariants, type Variant } from "./variants.ts";

/** A secret that may have signed. `name`: of its setting; `own`: it is the provider's. */
export type Candidate = { name: string; text: string; own: boolean };

/** Why a request does not match, in a sentence, and what to do. */
export type Cause = { says: string; todo: string };

/** The cause, or undefined when nothing that is tried matches. `at`: the time of the signature. */
export async function findCause(
  verify: Verify,
  request: SignedRequest,
  candidates: Candidate[],
  at: number,
): Promise<Cause | undefined> {
  const secrets = candidates.flatMap(({ name, text, own }) =>
    secretVariants(name, text).map((variant) => ({
      ...variant,
      changes: [...(own ? [] : [`the secret of ${name}`]), ...(variant.what ? [variant.what] : [])],
      todo: own
        ? variant.todo
        : `set the secret that belongs to this webhook: the one it is signed with is in ${name}`,
    })),
  );
  const tries = schemeVariants(verify).flatMap((scheme) =>
    secrets.map((secret) => ({ scheme, secret, changes: secret.changes.length + count(scheme) })),
  );
  const requests = requestVariants(request, verify);
  // The fewest changes first: they are the cause.
  for (const most of [1, 2, 3])
    for (const { scheme, secret, changes } of tries) {
      const left = most - changes;
      if (left < 0) continue;
      const verifier = await createVerifier(scheme.value, "secret", secret.value).catch((error) => {
        if (error instanceof SecretError) return undefined;
        throw error;
      });
      for (const variant of requests.filter((one) => count(one) === left)) {
        const verdict = await verifier?.(variant.value, at);
        if (!verdict?.ok) continue;
        const found = [variant, scheme].filter(({ what }) => what !== "");
        const todo = [...found.map((one) => one.todo), ...(secret.changes.length > 0 ? [secret.todo] : [])];
        return {
          says: `it matches with ${[...found.map(({ what }) => what), ...secret.changes].join(" and ")}`,
          todo: todo.join("; "),
        };
      }
    }
  return undefined;
}

const count = ({ what }: Variant<unknown>): number => (what === "" ? 0 : 1);
