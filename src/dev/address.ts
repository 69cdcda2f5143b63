/** The address of a Worker, as people give it. */
import { UserError } from "./user-error.ts";

const HERE = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$)/i;

/**
 * The origin of a Worker, without a slash at its end. Without a scheme it is http on this machine and https elsewhere; a
 * path such as /webhooks/clerk is dropped. Throws a UserError when the text is no address.
 */
export function workerAddress(text: string): string {
  const given = text.trim();
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(given)
    ? given
    : `${HERE.test(given) ? "http" : "https"}://${given.replace(/^\/+/, "")}`;
  const url = URL.canParse(whole) ? new URL(whole) : null;
  if (!url || !["http:", "https:"].includes(url.protocol) || url.hostname === "")
    throw new UserError(`"${text}" is no address of a Worker. Write it as https://leads.example.com.`);
  return url.origin;
}
