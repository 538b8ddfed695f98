// Finds what can be pressed, marks each with data-press, and answers [{kind, label, key, press, checked}].
() => {
  const KINDS = [ // the order in which they are pressed: what opens more first, what leads away last
    ["fold", '[data-testid="stExpander"] summary'],
    ["help", '[data-testid="stTooltipIcon"] button[aria-label^="Help for"]'],
    ["number", '[data-testid="stNumberInput"] input'],
    ["step", '[data-testid="stNumberInput"] button'],
    ["text", '[data-testid="stTextInput"] input, [data-testid="stTextArea"] textarea'],
    ["date", '[data-testid="stDateInput"] input'],
    ["slider", '[data-testid="stSlider"] input[type=range], [data-testid="stSlider"] [role=slider]'],
    ["toggle", '[data-testid="stCheckbox"] input'],
    ["select", '[data-testid="stSelectbox"] input'],
    ["several", '[data-testid="stMultiSelect"] input'],
    ["chart", '[data-testid="stPlotlyChart"]'],
    ["grid", '[data-testid="stDataFrame"]'],
    ["tool", '[data-testid="stElementToolbar"] button, [data-testid="stPlotlyChart"] button'],
    ["popover", '[data-testid="stPopover"] button'],
    ["download", '[data-testid="stDownloadButton"] button'],
    ["page", '[data-testid="stPagination"] button'],
    ["upload", '[data-testid="stFileUploader"] input[type=file]'],
    ["option", '[data-testid="stButtonGroup"] button'],
    ["button", '[data-testid="stButton"] button, [data-testid="stFormSubmitButton"] button'],
    ["menu", '[data-testid="stMainMenuButton"]'],
    ["sidebar", '[data-testid="stSidebarCollapseButton"] button'],
    ["link", '[data-testid="stPageLink"] a'],
    ["other", 'button, a[href], input, textarea, summary, [role=slider], [role=radio], [role=checkbox], [role=tab]'],
  ];
  // parts of a control that is pressed as a whole, and what leads nowhere
  const PARTS = '[data-testid="stSelectbox"], [data-testid="stMultiSelect"], [data-testid="stFileUploader"],' +
    '[data-testid="stDataFrame"], [data-testid="stDateInput"], [data-testid="stSkipToContent"], #portal,' +
    '[data-testid="stHeaderActionElements"], [data-testid="stPopoverBody"], [data-testid="stMainMenuPopover"],' +
    '[data-testid="stTextInput"], [data-testid="stPlotlyChart"]';
  const words = (text) => (text || "").replace(/\s+/g, " ").trim();
  const named = (element) => {
    const box = element.closest('[class*="st-key-"]:not([class*="st-key-box-"])');
    const name = box ? [...box.classList].find((one) => one.startsWith("st-key-") && !one.startsWith("st-key-box-")) : "";
    return name || "";
  };
  const label = (kind, element) => {
    if (kind === "link") {
      const to = new URL(element.href);
      return words(to.pathname + "?" + [...to.searchParams.keys()].sort().join("&"));
    }
    const widget = element.closest('[data-testid="stSlider"], [data-testid="stSelectbox"], [data-testid="stMultiSelect"],' +
      '[data-testid="stCheckbox"], [data-testid="stNumberInput"]');
    const title = widget && widget.querySelector('[data-testid="stWidgetLabel"] p, label p');
    const own = element.getAttribute("aria-label") || (title && title.innerText) || element.innerText || element.title || "";
    const clean = words(own).replace(/^([a-z]+_)*[a-z]+ (?=[A-Z])/, ""); // the name of the icon
    if (kind === "step") return clean + " " + words(title && title.innerText);
    return clean.replace(/\d[\d,.]*/g, "#");
  };
  document.querySelectorAll("[data-press]").forEach((one) => one.removeAttribute("data-press"));
  const found = [];
  for (const [kind, selector] of KINDS) {
    for (const element of document.querySelectorAll(selector)) {
      if (element.hasAttribute("data-press") || element.disabled || element.getAttribute("aria-disabled") === "true") continue;
      if (kind === "other" && element.closest(PARTS)) continue;
      const box = (element.closest("label, summary, button") || element).getBoundingClientRect();
      if (kind !== "upload" && (!box.width || !box.height)) continue;
      const fold = element.closest("details");
      if (fold && !fold.open && kind !== "fold") continue;
      const checked = element.getAttribute("aria-checked") === "true" || element.getAttribute("aria-current") === "page";
      element.setAttribute("data-press", String(found.length));
      found.push({
        kind, checked, label: label(kind, element), key: named(element), press: found.length,
        aside: !!element.closest('[data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stToolbar"]'),
      });
    }
  }
  return found;
}
