// What scrolls is reached by the keyboard, the search has a name, and buttons that copy code are no landmarks of the page.
const mend = () => {
  for (const box of document.querySelectorAll("pre > code, .md-typeset__scrollwrap, .picture"))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  for (const bar of document.querySelectorAll("nav.md-code__nav")) bar.setAttribute("role", "presentation");
};
document.querySelector("[data-md-component=search]").setAttribute("aria-label", "Search");
new MutationObserver(mend).observe(document.documentElement, { childList: true, subtree: true });
addEventListener("resize", mend);
mend();
