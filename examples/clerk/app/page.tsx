import Link from "next/link";

export default function Home() {
  return <Link href="/sign-up">Sign up</Link>;
}
