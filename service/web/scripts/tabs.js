// Tabs following the ARIA pattern: arrows, Home and End select; the URL has the selected tab.

/** Connect the tabs in `list` with their panels; call `chosen(name)` for each selection. */
export function useTabs(list, chosen) {
  const tabs = [...list.querySelectorAll("[role=tab]")];

  function choose(tab) {
    for (const each of tabs) {
      const isChosen = each === tab;
      each.setAttribute("aria-selected", String(isChosen));
      each.tabIndex = isChosen ? 0 : -1;
      panelOf(each).hidden = !isChosen;
    }
    history.replaceState(null, "", addressOf(tab));
    chosen(nameOf(tab));
  }

  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) choose(tab);
  });
  list.addEventListener("keydown", (event) => {
    const here = tabs.indexOf(document.activeElement);
    const there = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: -1 }[event.key];
    if (there === undefined) return;
    event.preventDefault();
    const tab = tabs.at(there % tabs.length);
    tab.focus();
    choose(tab);
  });
  window.addEventListener("hashchange", () => choose(tabInUrl(tabs)));
  choose(tabInUrl(tabs));
}

function tabInUrl(tabs) {
  return tabs.find((tab) => addressOf(tab) === location.hash) ?? tabs[0];
}

// No element has this id, so the browser does not scroll.
function addressOf(tab) {
  return `#/${nameOf(tab)}`;
}

function nameOf(tab) {
  return tab.getAttribute("aria-controls");
}

function panelOf(tab) {
  return document.getElementById(nameOf(tab));
}
