// Before anything is painted: the theme that the reader chose, if one was chosen.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("electra-theme");
  } catch {
    // No storage here (a page from a folder, in some browsers): the system's theme it is.
  }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
