import { SignIn } from "@clerk/nextjs";
import { clickIdOfRequest } from "../../click-id.ts";

/** Who has no account yet and continues with Google here is signed up. */
export default async function SignInPage({ searchParams }: PageProps<"/sign-in/[[...sign-in]]">) {
  const dubClickId = await clickIdOfRequest(searchParams);
  return <SignIn unsafeMetadata={{ dubClickId }} />;
}
