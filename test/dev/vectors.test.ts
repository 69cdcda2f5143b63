/** Published signature vectors, where they lie beside the project. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../src/dev/files.ts";
import { Verify } from "../../src/mapping/schema.ts";
import { utf8 } from "../../src/verify/bytes.ts";
import { prepareKeys, verify } from "../../src/verify/index.ts";

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
        const scheme = Verify.parse({ scheme: "hmac", encoding: "base64", ...configs[config] });
        const keys = await prepareKeys(scheme, "SECRET", secret);
        const judge = (text: string) =>
          verify(scheme, { method: "POST", url, headers: new Headers(headers), body: utf8(text) }, keys, now);
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
