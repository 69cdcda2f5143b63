/** The workbench: what it shows of a mapping file and a webhook, and that nothing else happens. */
import { expect, it } from "vitest";
import { shipped } from "../../mappings/index.ts";
import { open, post, type TestApp, TOKEN } from "../support/admin.ts";
import { sampleOf } from "../support/app.ts";

const BASIC = { authorization: `Basic ${btoa(`anyone:${TOKEN}`)}` };
const clerk = () => JSON.stringify(shipped.clerk, null, 2);
const signUp = () => JSON.stringify(sampleOf("clerk").webhook, null, 2);

async function page(app: TestApp, path: string, form?: Record<string, string>) {
  const body = form && new FormData();
  for (const [name, value] of Object.entries(form ?? {})) body?.set(name, value);
  const response = await app.fetch(
    new Request(`https://leads.example${path}`, { headers: BASIC, ...(body && { method: "POST", body }) }),
  );
  return { status: response.status, headers: response.headers, text: await response.text() };
}

it("dumps", async () => {
  const app = await open();
  const got = await page(app, "/admin/workbench", {
    provider: "clerk",
    mapping: clerk(),
    webhook: signUp(),
    part: "result",
  });
  console.log(got.status, got.text.length, got.text);
  const api = await post(app, "/api/workbench", {
    mapping: shipped.clerk,
    webhook: sampleOf("clerk").webhook,
  });
  console.log(JSON.stringify(api.body, null, 1).slice(0, 3000));
  const got2 = await page(app, "/admin/workbench", {
    provider: "clerk",
    mapping: clerk().replace('"data.id"', '"lower(data.first_name) || uper(x)"').replace('"skip"', ""),
    webhook: signUp(),
    part: "result",
  });
  console.log(got2.text);
  const got3 = await page(app, "/admin/workbench", {
    provider: "clerk",
    mapping: clerk()
      .replace('"data.id"', '"lower(data.first_name) || upper(data.created_at)"')
      .replace("[data.first_name, data.last_name]", "[data.created_at]"),
    webhook: signUp(),
    part: "result",
  });
  console.log(got3.text);
});
