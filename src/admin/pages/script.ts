/** The script of the admin pages. Everything works without it. */
export const SCRIPT = `
for (const button of document.querySelectorAll("button[data-copy-from]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copyFrom).value);
    button.textContent = "Copied";
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
      const answer = await fetch("/admin/workbench", { method: "POST", body, signal: running.signal });
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
