// --- finding one's way: where one is, methods to highlight, columns, and taking things out
(() => {
  const root = document.documentElement;

  // the section that is read is marked in the contents; a link opens what it leads to
  const links = new Map([...document.querySelectorAll("nav .links a")].map((a) => [a.hash.slice(1), a]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((e) => e.isIntersecting)) {
      links.forEach((link) => link.removeAttribute("aria-current"));
      const link = links.get(entry.target.id);
      link?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  for (const section of document.querySelectorAll("section[id]")) seen.observe(section);
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let part = target; part; part = part.parentElement) if (part.tagName === "DETAILS") part.open = true;
    target.querySelector?.("details.part")?.setAttribute("open", "");
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();

  // menus close on Escape and on a click elsewhere
  const menus = [...document.querySelectorAll("details.menu")];
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") menus.filter((m) => m.open).forEach((m) => {
      m.open = false;
      m.querySelector("summary").focus();
    });
  });
  addEventListener("click", (event) => menus.forEach((m) => { if (!m.contains(event.target)) m.open = false; }));

  // highlighted methods keep their colour; everything else steps back, in pictures and tables
  const chips = [...document.querySelectorAll(".find button[data-method]")];
  const highlight = () => {
    const on = chips.filter((chip) => chip.ariaPressed === "true");
    const names = new Set(on.map((chip) => chip.dataset.method));
    const titles = new Set(chips.filter((c) => !names.has(c.dataset.method)).map((c) => c.dataset.title));
    const kept = new Set(on.map((chip) => chip.dataset.colour));
    for (const figure of document.querySelectorAll("figure.picture:not([data-name^='curves/'])")) {
      for (const { dataset: { colour } } of chips) {
        const back = on.length && !kept.has(colour);
        figure.style[back ? "setProperty" : "removeProperty"](`--c-${colour}`, "var(--back)");
      }
      for (const text of figure.querySelectorAll("svg text")) {
        text.classList.toggle("back", Boolean(on.length) && titles.has(text.textContent));
      }
    }
    for (const row of document.querySelectorAll("tr[data-method]")) {
      row.classList.toggle("back", Boolean(on.length) && !names.has(row.dataset.method));
    }
    for (const figure of document.querySelectorAll("figure[data-name^='curves/']")) {
      figure.hidden = Boolean(on.length) && !names.has(figure.dataset.name.slice(7));
    }
  };
  for (const chip of chips) {
    chip.addEventListener("click", () => {
      chip.ariaPressed = String(chip.ariaPressed !== "true");
      highlight();
    });
  }
  document.querySelector(".find .all")?.addEventListener("click", () => {
    chips.forEach((chip) => { chip.ariaPressed = "false"; });
    highlight();
  });
  document.querySelector(".find input")?.addEventListener("input", (event) => {
    const wanted = event.target.value.trim().toLocaleLowerCase();
    for (const chip of chips) chip.hidden = !chip.textContent.toLocaleLowerCase().includes(wanted);
  });

  // columns that are shown on request
  for (const box of document.querySelectorAll("input[data-column]")) {
    box.addEventListener("change", () => {
      for (const row of box.closest(".table").querySelector("table").rows) {
        row.cells[box.dataset.column].hidden = !box.checked;
      }
    });
  }

  // pictures wider than the room there is can be seen as drawn
  const figures = [...document.querySelectorAll("figure.picture")];
  const offer = () => figures.forEach((figure) => {
    const drawn = parseFloat(figure.querySelector("svg").style.width);
    const shrunk = drawn > 1.15 * figure.clientWidth && figure.clientWidth > 0;
    figure.querySelector(".enlarge").hidden = !shrunk;
    if (!shrunk) enlarge(figure, false);
  });
  const enlarge = (figure, on) => {
    figure.classList.toggle("large", on);
    figure.querySelector(".enlarge").ariaPressed = String(on);
  };
  for (const figure of figures) {
    figure.querySelector(".enlarge").addEventListener("click", () => enlarge(figure, !figure.classList.contains("large")));
  }
  const room = new ResizeObserver(offer);
  figures.forEach((figure) => room.observe(figure));

  // pictures as files, with the colours of the theme in place of the page's variables
  const markup = (svg) => {
    const copy = svg.cloneNode(true);
    const style = getComputedStyle(svg);
    const box = svg.viewBox.baseVal;
    copy.setAttribute("width", box.width);
    copy.setAttribute("height", box.height);
    const plain = (text) => text.replace(/var\((--c-[0-9a-f]+)\)/g, (_, name) => {
      const probe = document.createElement("i");
      probe.style.color = `var(${name})`;
      svg.parentElement.append(probe);
      const colour = getComputedStyle(probe).color;
      probe.remove();
      return colour;
    });
    for (const part of copy.querySelectorAll("[style]")) part.setAttribute("style", plain(part.getAttribute("style")));
    for (const paper of copy.querySelectorAll(".paper path")) paper.style.fill = getComputedStyle(document.body).backgroundColor;
    copy.style.cssText = `font-family: ${style.fontFamily}`;
    return new XMLSerializer().serializeToString(copy);
  };
  const save = (name, url) => {
    const link = document.createElement("a");
    link.download = name;
    link.href = url;
    link.click();
  };
  for (const button of document.querySelectorAll("button.save")) {
    button.addEventListener("click", () => {
      const figure = button.closest("figure");
      const name = figure.dataset.name.replace(/[^\w.-]+/g, "-");
      const url = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(markup(figure.querySelector("svg")));
      if (button.dataset.as === "svg") return save(`${name}.svg`, url);
      const image = new Image();
      image.onload = () => {
        const canvas = document.createElement("canvas");
        canvas.width = 3 * image.width;
        canvas.height = 3 * image.height;
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        save(`${name}.png`, canvas.toDataURL("image/png"));
      };
      image.src = url;
      return undefined;
    });
  }
  root.dataset.ready = "true";
})();
