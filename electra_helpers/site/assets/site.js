// What every page does: theme, contents on a phone, and boxes that scroll by keyboard. Without it the pages are read just the same.
(() => {
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

  const button = document.querySelector(".theme");
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("electra-theme", root.dataset.theme);
    } catch {
      // It holds for this page then.
    }
  });

  // On a phone the contents would stand between the reader and the text.
  if (matchMedia("(max-width: 820px)").matches) document.querySelector(".contents details").open = false;

  /** What is wider than its box takes the focus, so that arrow keys move it. */
  function reachable() {
    for (const box of document.querySelectorAll("pre, .wide, .output, .formula")) {
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }
  reachable();
  addEventListener("resize", reachable);
  // What was folded had no width.
  document.addEventListener("toggle", reachable, true);
})();
