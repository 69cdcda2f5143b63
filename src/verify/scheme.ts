/** What a scheme is: its parameters in the mapping file, its verifier, and its signer for tests and local tools. */
import type * as z from "zod/mini";
import type { SignedRequest, Verdict } from "./verdict.ts";

/** Verifies one request. `now` in milliseconds since 1970. */
export type Verifier = (request: SignedRequest, now: number) => Promise<Verdict>;

/** A webhook that is to be signed. `id` is the delivery's id, `now` in milliseconds since 1970. */
export type Unsigned = { url: string; body: Uint8Array; id: string; now: number };

/** The headers that prove a webhook genuine, as the provider would send them. */
export type Signer = (webhook: Unsigned) => Promise<Record<string, string>>;

/**
 * What a scheme reads of a request, for people who ask why one is refused. `headers`: those of one sender; where several
 * senders have their own, those of the one that sent the most. `signatures`: how many can be compared. `signedAt`: in
 * milliseconds since 1970, with the `tolerance` in seconds. `signed`: what the signature is over; several are all tried.
 */
export type Inspection = {
  headers: { name: string; use: "signature" | "id" | "timestamp" | "token"; came: boolean }[];
  signatures: number;
  time?: { signedAt: number | undefined; tolerance: number };
  signed: Uint8Array[];
};

/** `name` and `text` are those of the Worker secret; both functions throw a SecretError when it can't be used. */
export type Scheme<P> = {
  parameters: z.core.$ZodType<P>;
  verifier(parameters: P, name: string, text: string): Promise<Verifier>;
  /** For tests and local tools. Of several secrets the first signs. */
  signer(parameters: P, name: string, text: string): Promise<Signer>;
  /** For local tools. Reads as much of a request as is there. */
  inspect(parameters: P, request: SignedRequest): Inspection;
  /** A usable secret made from `text` (16 bytes or more), for tests and local tools. */
  secretFrom(parameters: P, text: string): string;
};
