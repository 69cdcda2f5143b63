import { SignUp } from "@clerk/nextjs";
import { clickIdOfRequest } from "../../click-id.ts";

export default async function SignUpPage({ searchParams }: PageProps<"/sign-up/[[...sign-up]]">) {
  const dubClickId = await clickIdOfRequest(searchParams);
  return <SignUp unsafeMetadata={{ dubClickId }} />;
}
