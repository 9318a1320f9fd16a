// Tabs by the ARIA pattern: arrows, Home and End move and choose; the address remembers which.

/** Let the tabs in `list` show their panels; `chosen(name)` is told of each. */
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
  window.addEventListener("hashchange", () => choose(tabAsked(tabs)));
  choose(tabAsked(tabs));
}

function tabAsked(tabs) {
  return tabs.find((tab) => addressOf(tab) === location.hash) ?? tabs[0];
}

// No element has this as its id: the browser does not scroll to one.
function addressOf(tab) {
  return `#/${nameOf(tab)}`;
}

function nameOf(tab) {
  return tab.getAttribute("aria-controls");
}

function panelOf(tab) {
  return document.getElementById(nameOf(tab));
}
