import { AuthenticateWithRedirectCallback } from "@clerk/nextjs";
import { clickIdOfRequest } from "../click-id.ts";

/** Where Google sends the visitor back to. A sign-in of somebody without an account becomes a sign-up here. */
export default async function SsoCallback({ searchParams }: PageProps<"/sso-callback">) {
  const dubClickId = await clickIdOfRequest(searchParams);
  return <AuthenticateWithRedirectCallback unsafeMetadata={{ dubClickId }} />;
}
