import { ClerkProvider } from "@clerk/nextjs";
import Script from "next/script";
import type { ReactNode } from "react";
import { TellClick } from "./tell-click.tsx";

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <ClerkProvider signInUrl="/sign-in" signUpUrl="/sign-up">
          {children}
          <TellClick />
        </ClerkProvider>
        {/* For a site with subdomains add: data-cookie-options='{"domain":".example.com"}', data-domain=".example.com" */}
        <Script src="https://www.dubcdn.com/analytics/script.js" />
        <Script src="https://leads.example.com/clicks.js" strategy="beforeInteractive" />
      </body>
    </html>
  );
}
