/** Holds every JSON answer under /api to its schema, strictly: nothing is missing, and nothing is there that it does not name. */
import { expect } from "vitest";
import { ApiError, ROUTES } from "../../src/admin/schema.ts";

const patterns = ROUTES.map((route) => ({
  ...route,
  pattern: new RegExp(`^${route.path.replace(/\{\w+\}/g, "[^/]+")}$`),
}));

/** Fails when the answer to a request under /api is not what its schema says. */
export async function expectDocumented(request: Request, response: Response): Promise<void> {
  const { pathname } = new URL(request.url);
  if (!pathname.startsWith("/api/")) return;
  const body = await response.clone().json();
  const route = patterns.find(
    ({ method, pattern }) => method === request.method.toLowerCase() && pattern.test(pathname),
  );
  const schema = route?.answers[response.status] ?? ApiError;
  const { data, error } = schema.safeParse(body);
  const what = `${request.method} ${pathname} ${response.status}: src/admin/schema.ts`;
  expect(error?.issues ?? [], what).toEqual([]);
  // zod leaves out what a schema does not name.
  expect(data, what).toEqual(body);
}
