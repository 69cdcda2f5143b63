import { cookies } from "next/headers";
import { clickId } from "../../click-id.ts";

/** The click id of a request: in `?dub_id=` of the address, else in Dub's cookie. */
export async function clickIdOfRequest(
  searchParams: Promise<Record<string, string | string[] | undefined>>,
): Promise<string | undefined> {
  return clickId((await searchParams).dub_id, (await cookies()).get("dub_id")?.value);
}
