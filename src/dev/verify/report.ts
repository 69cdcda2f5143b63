/** Verifies a captured request step by step. */
import { secretName } from "../../settings.ts";
import type { Inspection } from "../../verify/scheme.ts";
import { createVerifier, inspect, type Verify } from "../../verify/schemes.ts";
import { SecretError } from "../../verify/secret.ts";
import { explain, type SignedRequest, type Verdict } from "../../verify/verdict.ts";
import { type Candidate, type Cause, findCause } from "./cause.ts";

/** `ok`: null for what is only said. */
export type Step = { step: string; ok: boolean | null; says: string };
export type Report = { genuine: boolean; steps: Step[]; cause?: Cause };

/** `from`: where the secret is from; `madeUp`: by us, for this machine. `others`: the secrets of other settings. `schemes`: those of all providers. */
export type Case = {
  provider: string;
  verify: Verify;
  request: SignedRequest;
  secret: { text: string; from: string; madeUp?: boolean };
  others: Candidate[];
  schemes: Record<string, Verify>;
  /** When the request came, in milliseconds since 1970; "signed": when it was signed. Default now. */
  at?: number | "signed" | undefined;
};

const SHOWN = 60;

/** Why a request is genuine or not. Says lengths of secrets and the beginning of what is signed; no secret and no signature. */
export async function verifyCapture(given: Case): Promise<Report> {
  const { provider, verify, request, secret, others } = given;
  const name = secretName(provider);
  const inspection = inspect(verify, request);
  const signedAt = inspection.time?.signedAt;
  const came = given.at === "signed" ? (signedAt ?? Date.now()) : (given.at ?? Date.now());
  const when = given.at === undefined ? "now" : "it came";

  const steps = [headersStep(inspection), timeStep(inspection, came, when), signedStep(inspection)];
  let verdict: Verdict | undefined;
  let matches = false;
  try {
    const verifier = await createVerifier(verify, name, secret.text);
    const words = secret.text.split(/\s+/).filter((word) => word !== "").length;
    verdict = await verifier(request, came);
    matches = (await verifier(request, signedAt ?? came)).ok;
    const many = words === 1 ? `${secret.text.trim().length} characters` : `${words} words, each tried`;
    steps.push({ step: "secret", ok: null, says: `${name}, from ${secret.from}: ${many}` });
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    steps.push({ step: "secret", ok: false, says: `${error.message} (from ${secret.from})` });
  }
  const shown = steps.filter((step) => step !== undefined);
  const complete = inspection.headers.every((one) => one.came) && inspection.signatures > 0;
  if (!complete) {
    const other = otherProvider(given);
    const todo = other
      ? `send the webhooks of ${other} to /webhooks/${other}, and verify them by npm run verify -- ${other}`
      : "set the header at the provider, or let the proxy or gateway in between pass it on";
    const says = other
      ? `the headers are those of ${other}`
      : verdict && !verdict.ok
        ? explain(verdict.refusal, name)
        : "a header is missing";
    return { genuine: false, steps: shown, cause: { says, todo } };
  }
  shown.push({ step: "signature", ok: matches, says: matches ? "matches" : "does not match" });
  if (verdict?.ok) return { genuine: true, steps: shown };
  if (matches && verdict)
    return {
      genuine: false,
      steps: shown,
      cause: {
        says: explain(verdict.refusal, name),
        todo: "if it came when it was signed, and you only look at it later, judge that time: --at signed",
      },
    };
  const own = { name, text: secret.text, own: true };
  const cause = await findCause(verify, request, [own, ...others], signedAt ?? came);
  const bad = shown.find(({ step, ok }) => step === "secret" && ok === false);
  return {
    genuine: false,
    steps: shown,
    cause: cause ?? (bad ? { says: bad.says, todo: todoForSecret(name) } : unknownCause(given, inspection)),
  };
}

function headersStep({ headers, signatures }: Inspection): Step {
  const missing = headers.filter(({ came }) => !came).map(({ name, use }) => `${name} (${use})`);
  const there = headers.filter(({ came }) => came).map(({ name, use }) => `${name} (${use})`);
  const parts = [
    ...(missing.length > 0 ? [`missing: ${missing.join(", ")}`] : []),
    ...(there.length > 0 ? [`came: ${there.join(", ")}`] : []),
    ...(missing.length === 0 && signatures === 0 ? ["not in the expected form"] : []),
  ];
  return { step: "headers", ok: missing.length === 0 && signatures > 0, says: parts.join("; ") };
}

function timeStep({ time }: Inspection, came: number, when: string): Step | undefined {
  if (!time) return undefined;
  const { signedAt, tolerance } = time;
  if (signedAt === undefined || Number.isNaN(new Date(signedAt).getTime()))
    return { step: "time", ok: false, says: "no time can be read from the headers" };
  const age = Math.round((came - signedAt) / 1000);
  const difference = `${Math.abs(age)} s ${age >= 0 ? "before" : "after"} ${when}`;
  const says = `signed ${new Date(signedAt).toISOString()}, ${difference}; ${tolerance} s are allowed`;
  return { step: "time", ok: Math.abs(age) <= tolerance, says };
}

function signedStep({ signed }: Inspection): Step | undefined {
  const [first] = signed;
  if (!first) return undefined;
  const text = JSON.stringify(new TextDecoder().decode(first.slice(0, SHOWN)));
  const more = first.length > SHOWN ? " …" : "";
  const others = signed.length > 1 ? `, and ${signed.length - 1} other form(s)` : "";
  return { step: "signed", ok: null, says: `${first.length} bytes: ${text}${more}${others}` };
}

/** Another provider whose headers all came. */
function otherProvider({ provider, request, schemes }: Case): string | undefined {
  return Object.entries(schemes).find(
    ([name, verify]) => name !== provider && inspect(verify, request).headers.every(({ came }) => came),
  )?.[0];
}

const todoForSecret = (name: string) =>
  `copy the secret of the endpoint that sent this webhook to ${name}, or give it by --secret`;

function unknownCause({ provider, secret }: Case, { signed }: Inspection): Cause {
  const todo = todoForSecret(secretName(provider));
  if (secret.madeUp)
    return {
      says: "it is not signed with the secret that npm start makes up, and no other is known here",
      todo,
    };
  return signed.length === 0
    ? { says: "the secret is another one", todo }
    : {
        says: "nothing that is tried matches: the secret is another endpoint's, or the body is not the one that was sent",
        todo: `${todo}, and save the body byte by byte`,
      };
}
