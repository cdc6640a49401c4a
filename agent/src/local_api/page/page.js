// Fetches the page anew and puts the fresh part in place of the old one.
const EVERY_MS = 2000;
async function refresh() {
  let fresh = null;
  try {
    const answer = await fetch("/", { signal: AbortSignal.timeout(EVERY_MS) });
    if (answer.ok) {
      fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    }
  } catch {
    // No answer is shown below.
  }
  document.getElementById("lost").hidden = fresh !== null;
  const shown = document.querySelector("main");
  if (fresh && fresh.innerHTML !== shown.innerHTML) shown.replaceWith(fresh);
  setTimeout(refresh, EVERY_MS);
}
setTimeout(refresh, EVERY_MS);
