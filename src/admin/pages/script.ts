/** The script of the admin pages. Everything works without it. */
export const SCRIPT = `
// A live list: what is found is fetched again while the page is looked at.
const live = document.querySelector("[data-live]");
if (live)
  setInterval(async () => {
    if (document.hidden) return;
    const response = await fetch(location.href).catch(() => null);
    if (!response || !response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const [now, next] = [live.querySelector("#found"), page.querySelector("#found")];
    if (next && next.innerHTML !== now.innerHTML) now.replaceWith(next);
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
`;
