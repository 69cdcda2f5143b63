/** The script of the admin pages. Everything works without it. */
export const SCRIPT = `
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.ariaLabel = "Copied";
  });
}
`;
