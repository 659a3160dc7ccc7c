"use strict";
(() => {
  const root = document.documentElement;
  const said = document.getElementById("said");

  // --- theme: the system's, until the button says otherwise; remembered where storage works
  const theme = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const mark = () => theme.setAttribute("aria-pressed", String(isDark()));
  try {
    const kept = localStorage.getItem("finetone-theme");
    if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  } catch { /* storage may be off */ }
  mark();
  system.addEventListener("change", mark);
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    mark();
    try { localStorage.setItem("finetone-theme", root.dataset.theme); } catch { /* as above */ }
  });

  // --- sorting: numbers as numbers, text in the page's language, empty cells always last
  const compare = new Intl.Collator(root.lang, { numeric: true }).compare;
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const numeric = head.classList.contains("n");
      const before = head.getAttribute("aria-sort");
      const down = before ? before === "ascending" : numeric;
      const value = (row) => row.cells[column].dataset.sort;
      const rows = [...table.tBodies[0].rows].sort((a, b) => {
        const x = value(a), y = value(b);
        if (x === "" || y === "") return (x === "") - (y === "");
        const order = numeric ? Number(x) - Number(y) : compare(x, y);
        return down ? -order : order;
      });
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      table.tBodies[0].append(...rows);
    }));
  }

  // --- copying: tables as tab-separated text, which spreadsheets take
  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
      button.focus();
    }
    said.textContent = button.dataset.copied;
    const label = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; said.textContent = ""; }, 1500);
  };
  const written = {
    tsv: (rows) => rows.map((row) => row.join("\t")).join("\n"),
    markdown: ([head, ...rows]) => [head, head.map(() => "---"), ...rows]
      .map((row) => `| ${row.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`).join("\n"),
    latex: ([head, ...rows]) => {
      const plain = (text) => text.replace(/[\\&%$#_{}~^]/g, (c) => ({
        "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}",
      })[c] ?? `\\${c}`).replaceAll("−", "$-$").replaceAll("–", "--").replaceAll("…", "\\dots{}");
      const line = (row) => `${row.map(plain).join(" & ")} \\\\`;
      return [`\\begin{tabular}{${"l".repeat(head.length)}}`, "\\toprule", line(head), "\\midrule",
        ...rows.map(line), "\\bottomrule", "\\end{tabular}"].join("\n");
    },
  };
  const cellText = (cell) => {
    const head = cell.querySelector("button:not(.name)");
    return (head ?? cell).textContent.trim().replace(/\s+/g, " ");
  };
  for (const button of document.querySelectorAll(".copy-table")) {
    button.addEventListener("click", () => {
      const table = button.closest(".table").querySelector("table");
      const rows = [...table.rows].map((row) => [...row.cells].filter((cell) => !cell.hidden).map(cellText));
      copy(written[button.dataset.as](rows), button);
    });
  }
  for (const button of document.querySelectorAll(".copy-text")) {
    button.addEventListener("click", () => copy(button.previousElementSibling.textContent, button));
  }

  // --- a printed page shows what is folded on the screen, but not tables of many pages: they are in tables/
  let opened = [];
  addEventListener("beforeprint", () => {
    const short = (part) => part.querySelectorAll("tr").length <= 60;
    opened = [...document.querySelectorAll("details:not([open])")].filter(short);
    opened.forEach((part) => { part.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((part) => { part.open = false; }));
})();
