/**
 * The script of `GET /clicks.js`, for every page of a site that has Dub's script. It notes when a click was first seen,
 * and gives the page `tellClick`, whose type is in examples/clicks.d.ts. `npm run check -- --write` makes served.ts of it.
 */
const script = document.currentScript as HTMLScriptElement;
const host = location.hostname.replace(/^www\./, "");
/** Without the attribute data-domain: where Dub's script puts its cookie if it is not told either. */
const domain = script.dataset.domain ?? (host === "localhost" ? "" : `.${host}`);
/** What is being told: click id and customer → whether it was taken. */
const telling: Record<string, Promise<boolean>> = {};

/** What the group of a pattern finds in a cookie that fits. */
const cookie = (pattern: string) => document.cookie.match(`(?:^|; )${pattern}(?:;|$)`)?.[1];

/** The milliseconds in `<milliseconds>.<click id>`, if the click was seen before. There may be a cookie for each domain. */
const seen = (id: string) => cookie(`dub_at=(\\d+).${id}`);

/** Notes when the click in Dub's cookie was first seen. Returns the click id. */
function note(): string | undefined {
  const id = cookie("dub_id=([\\w-]+)");
  if (id && !seen(id))
    // For 90 days, as Dub's.
    // biome-ignore lint/suspicious/noDocumentCookie: not every browser has the Cookie Store API, and none on http.
    document.cookie = `dub_at=${Date.now()}.${id};domain=${domain};path=/;max-age=7776000;samesite=lax`;
  return id;
}

/** `key`: click id and customer, which the browser keeps once they are told. */
async function tell(clickId: string, token: string, key: string): Promise<boolean> {
  // Not told, where the browser takes no cookie for the domain.
  const clickedAt = Number(seen(clickId)) || undefined;
  const { ok } = await fetch(new URL("clicks", script.src), {
    method: "POST",
    // It arrives though the customer leaves the page.
    keepalive: true,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ clickId, clickedAt, sentAt: Date.now() }),
  });
  if (ok) localStorage.dub_told = key;
  return ok;
}

window.tellClick = async (token) => {
  const clickId = note();
  try {
    const claims = (token as string).split(".")[1] as string;
    const { sub } = JSON.parse(atob(claims.replace(/-/g, "+").replace(/_/g, "/")));
    const key = `${clickId} ${sub}`;
    if (!clickId || localStorage.dub_told === key) return !!clickId;
    telling[key] ??= tell(clickId, token as string, key).finally(() => delete telling[key]);
    return await telling[key];
  } catch {
    // No token, or no network.
    return false;
  }
};

note();
// Dub's script sets its cookie later than it is loaded, and anew when a link leads to the page that is open.
setInterval(note, 1000);
addEventListener("pagehide", note);
