import { ClerkProvider } from "@clerk/nextjs";
import Script from "next/script";
import type { ReactNode } from "react";

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <ClerkProvider signInUrl="/sign-in" signUpUrl="/sign-up">
          {children}
        </ClerkProvider>
        {/* For a site with subdomains add: data-cookie-options='{"domain":".example.com"}' */}
        <Script src="https://www.dubcdn.com/analytics/script.js" />
      </body>
    </html>
  );
}
