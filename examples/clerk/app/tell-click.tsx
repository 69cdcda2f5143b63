"use client";
import { useSession } from "@clerk/nextjs";
import { useEffect } from "react";

const SEVEN_DAYS = 7 * 24 * 60 * 60 * 1000;

export function TellClick() {
  const { session } = useSession();
  useEffect(() => {
    const signedUp = session?.user.createdAt?.getTime() ?? 0;
    if (Date.now() - signedUp < SEVEN_DAYS) session?.getToken().then((token) => window.tellClick?.(token));
  }, [session]);
  return null;
}
