"use client";
import { useSignUp } from "@clerk/nextjs";
import { useRouter } from "next/navigation";
import { clickIdOfPage } from "../../../click-id.ts";

/** A form of your own instead of Clerk's <SignUp>. */
export default function OwnForm() {
  const { signUp, errors, fetchStatus } = useSignUp();
  const router = useRouter();

  async function withPassword(form: FormData) {
    const emailAddress = String(form.get("email"));
    const password = String(form.get("password"));
    const unsafeMetadata = { dubClickId: clickIdOfPage() };
    const { error } = await signUp.password({ emailAddress, password, unsafeMetadata });
    if (!error) await signUp.verifications.sendEmailCode();
  }

  async function withGoogle() {
    const unsafeMetadata = { dubClickId: clickIdOfPage() };
    const back = { redirectUrl: "/", redirectCallbackUrl: "/sso-callback" };
    await signUp.sso({ strategy: "oauth_google", ...back, unsafeMetadata });
  }

  async function verify(form: FormData) {
    await signUp.verifications.verifyEmailCode({ code: String(form.get("code")) });
    if (signUp.status === "complete") await signUp.finalize({ navigate: () => router.push("/") });
  }

  if (signUp.unverifiedFields.includes("email_address") && signUp.missingFields.length === 0)
    return (
      <form action={verify}>
        <input name="code" placeholder="Code from the e-mail" required />
        <button type="submit">Verify</button>
      </form>
    );
  return (
    <form action={withPassword}>
      <input name="email" type="email" placeholder="E-mail address" required />
      <input name="password" type="password" placeholder="Password" required />
      <div id="clerk-captcha" />
      <button type="submit" disabled={fetchStatus === "fetching"}>
        Sign up
      </button>
      <button type="button" onClick={withGoogle}>
        Continue with Google
      </button>
      {errors.global?.map(({ message }) => (
        <p key={message}>{message}</p>
      ))}
    </form>
  );
}
