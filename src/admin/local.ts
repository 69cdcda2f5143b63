/** A Worker on this machine: it takes its secrets from .dev.vars, and is started instead of deployed. */

/** Host names of this machine. */
export const LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"];

/** Whether an origin is of this machine, so that nothing sent to it can be read on the way. */
export function isLocal(origin: string): boolean {
  return LOCAL_HOSTS.includes(new URL(origin).hostname);
}

/** How a provider is turned on. */
export const toTurnOn = ({ secret, address }: { secret: string; address: string }) =>
  todoAt(address, `run \`npx wrangler secret put ${secret}\``);

/** What to do, for a Worker on this machine if `origin`, or an address of it, is one. */
export function todoAt(origin: string, todo: string): string {
  if (!isLocal(origin)) return todo;
  return todo
    .replace(
      /run `npx wrangler secret put (\w+)`/,
      "write `$1=…` into `.dev.vars` and start the Worker again",
    )
    .replace("set it by `npx wrangler secret put`", "write it into `.dev.vars` and start the Worker again")
    .replace(/, or add the mapping file$/, ", or start the Worker again if the mapping file is new")
    .replace(
      /(see that the Worker has the cron trigger `[^`]+`: )?run `npm run deploy`(, which applies the migrations)?/,
      "start the Worker again$2",
    )
    .replace("and deploy again if it is a file", "and start the Worker again");
}
