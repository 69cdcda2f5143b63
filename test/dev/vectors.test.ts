/** Published signature vectors, where they lie beside the project. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../src/dev/files.ts";

import { utf8 } from "../../src/verify/bytes.ts";
import { createVerifier, Verify } from "../../src/verify/schemes.ts";

const path = join(ROOT, "../shared/facts/payloads/signature-vectors.json");
type Vector = {
  name: string;
  config: string;
  secret: string;
  body: string;
  now: number;
  headers: Record<string, string>;
  url?: string;
};

if (existsSync(path))
  describe("signature vectors", () => {
    const { configs, vectors } = JSON.parse(readFileSync(path, "utf8")) as {
      configs: Record<string, object>;
      vectors: Vector[];
    };
    it.each(vectors.map((vector) => [vector.name, vector] as const))(
      "%s",
      async (name, { config, secret, body, now, headers, url = "https://x/" }) => {
        const given = { scheme: "hmac", encoding: "base64", ...configs[config] } as { secret?: object };
        const scheme = Verify.parse({
          ...given,
          secret: { encoding: ["utf8"], ...given.secret, minBytes: 1 },
        });
        const verifier = await createVerifier(scheme, "SECRET", secret);
        const judge = (text: string) =>
          verifier({ method: "POST", url, headers: new Headers(headers), body: utf8(text) }, now);
        expect(await judge(body)).toMatchObject({ ok: true });
        if (name !== "descope-json-string")
          expect(await judge(`${body} `)).toMatchObject({
            ok: false,
            refusal: { reason: "signature_mismatch" },
          });
      },
    );
  });
else it("has no vectors beside it", () => expect(existsSync(path)).toBe(false));
