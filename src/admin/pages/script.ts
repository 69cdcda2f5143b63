/** The script of the admin pages. Everything works without it. */
export const SCRIPT = `
for (const button of document.querySelectorAll("button[data-copy-from]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copyFrom).value);
    button.textContent = "Copied";
  });
}
`;
