/** What a page says when it can't be made. */
import type { Context } from "hono";
import { ALERTS, ledgerProblem } from "../../alert.ts";
import { log } from "../../log.ts";
import { MappingError } from "../../mapping/compile.ts";
import { SettingsError } from "../../settings.ts";
import { todoAt } from "../local.ts";
import { sentence } from "../story.ts";
import { answerPage } from "./layout.tsx";
import { Banner } from "./parts.tsx";

/** Answers an error that the operator can do something about as a page; throws any other. */
export function answerError(error: Error, c: Context): Response | Promise<Response> {
  const page = (title: string, what: string, todo: string) => {
    const children = [
      <h1>{title}</h1>,
      <Banner what={sentence(what)} todo={todoAt(new URL(c.req.url).origin, todo)} />,
    ];
    return answerPage(c, { title, children }, 503);
  };
  if (/D1_ERROR/.test(error.message)) {
    const problem = ledgerProblem(error.message);
    const { means, todo } = ALERTS[problem];
    log("error", problem, { during: "admin", message: error.message });
    return page("The database can't be used", means, todo);
  }
  if (!(error instanceof MappingError || error instanceof SettingsError)) throw error;
  log("error", "misconfigured", { message: error.message });
  return page("A file or a setting can't be used", error.message, "correct it, then deploy again");
}
