/** What `/clicks.js` of webhook-to-lead adds to a page. Copy this file into your TypeScript project. */
interface Window {
  /**
   * Tells which click the signed-in customer came with, once for each click and customer. `token`: a session token of
   * your auth provider, a JWT. Resolves with whether the click was taken, now or before; false without a click or
   * token. It never rejects: call it again on the next page, and it does the rest. Missing until the script has loaded.
   */
  tellClick?: (token: string | null | undefined) => Promise<boolean>;
}
