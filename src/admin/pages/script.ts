/** The script of the admin pages. Everything works without it. */
export const SCRIPT = `
// An address with user and password, as that of npm start, can't be fetched.
const here = (path) => location.origin + path;

// A live page: what it shows is fetched again while it is looked at.
const live = document.querySelector("[data-live]");
if (live)
  setInterval(async () => {
    if (document.hidden || !("live" in live.dataset)) return;
    const response = await fetch(here(location.pathname + location.search)).catch(() => null);
    const looked = document.querySelector("#looked");
    if (looked) looked.textContent = (response?.ok ? "last looked at " : "no answer at ") + new Date().toISOString().slice(11, 19) + " UTC";
    if (!response?.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const [now, next] = [live.querySelector("#found"), page.querySelector("#found")];
    if (next && next.innerHTML !== now.innerHTML) now.replaceWith(next);
    if (!page.querySelector("[data-live]")) delete live.dataset.live;
  }, 3000);

// Copies a text, or the value of a field.
for (const button of document.querySelectorAll("button[data-copy], button[data-copy-from]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const { copy, copyFrom } = button.dataset;
    await navigator.clipboard.writeText(copy ?? document.getElementById(copyFrom).value);
    button.textContent = button.ariaLabel = "Copied";
  });
}

// Workbench: tries a moment after typing.
const bench = document.querySelector("form.bench");
if (bench) {
  let timer;
  let running;
  const tryNow = async () => {
    running?.abort();
    running = new AbortController();
    const body = new FormData(bench);
    body.set("part", "result");
    try {
      const answer = await fetch(here("/admin/workbench"), { method: "POST", body, signal: running.signal });
      if (!answer.headers.get("content-type")?.startsWith("text/html")) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const result = document.querySelector("#result");
      result.replaceChildren(...(page.querySelector("#result") ?? page.body).childNodes);
      document.querySelector("#said").textContent = result.querySelector("h2")?.textContent ?? "";
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  };
  bench.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(tryNow, 500);
  });
}
`;
