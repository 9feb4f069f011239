// Sets the chosen theme before the first paint, so that nothing flashes. This file is a classic
// script in the head for that reason alone.
(() => {
  try {
    const theme = localStorage.getItem("tutorstream.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // storage is forbidden here: the system's theme it is
  }
})();
