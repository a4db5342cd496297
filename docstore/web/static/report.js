// What a report can do with JavaScript: say what differs between any two versions, and open the JSON.
"use strict";
(() => {
  const byId = id => document.getElementById(id);

  async function unpacked(id) {
    const bytes = Uint8Array.from(atob(byId(id).textContent.trim()), each => each.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }

  // --- what differs between two versions: what each version between them changed, put together -------------------
  let steps = null;

  // A line is [subject, what, was, now]; null for no value. What is again as it was is left out.
  function together(chosen) {
    const found = new Map();
    for (const [, , lines] of chosen) {
      for (const [subject, what, was, now] of lines) {
        const key = JSON.stringify([subject, what]);
        found.set(key, [subject, what, found.has(key) ? found.get(key)[2] : was, now]);
      }
    }
    const all = [...found.values()];
    const gone = new Set(all.filter(([, what, was, now]) => what === "" && was === null && now === null).map(([subject]) => subject));
    const left = all.filter(([subject, , was, now]) => was !== now && !(subject && gone.has(subject)));
    const subjects = [...new Set(["", ...left.map(([subject]) => subject)])];
    return subjects.flatMap(each => left.filter(([subject]) => subject === each));
  }

  function cell(row, tag, text, empty) {
    const cell = row.insertCell();
    if (text !== null) cell.appendChild(document.createElement(tag)).textContent = text || empty;
  }

  function table(lines) {
    const made = document.createElement("table");
    made.className = "diff";
    const head = made.createTHead().insertRow();
    for (const title of ["Of", "What", "Was", "Is"]) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = title;
      head.append(cell);
    }
    const body = made.createTBody();
    let last = null;
    for (const [subject, what, was, now] of lines) {
      const row = body.insertRow();
      const isFirst = !subject || subject !== last;
      if (isFirst) row.className = "first";
      const of = document.createElement("th");
      of.scope = "row";
      of.textContent = isFirst ? subject : "";
      row.append(of);
      row.insertCell().textContent = what || (was === null ? "added" : now === null ? "removed" : "");
      cell(row, "del", was, "removed");
      cell(row, "ins", now, "added");
      last = subject;
    }
    return made;
  }

  async function compare(form) {
    const answer = byId("answer");
    steps = steps || JSON.parse(await unpacked("steps"));
    let [a, b] = ["a", "b"].map(key => Number(form.elements[key].value));
    if (a > b) [a, b] = [b, a];
    const known = new Set(steps.flatMap(([number, since]) => [number, since]));
    const missing = [a, b].find(each => !known.has(each));
    if (missing !== undefined) {
      answer.textContent = `This report does not have version ${missing}: it is none, it was folded, or it is too old.`;
      return;
    }
    const chosen = steps.filter(([number]) => number > a && number <= b);
    const lines = together(chosen);
    const more = chosen.reduce((sum, step) => sum + step[3], 0);
    const title = document.createElement("h3");
    title.textContent = `From version ${a} to ${b}: ${lines.length || "no"} difference${lines.length === 1 ? "" : "s"}` +
      (more ? `, and up to ${more} more that this report leaves out` : "");
    answer.replaceChildren(title, ...(lines.length ? [table(lines)] : []));
  }

  // --- the JSON ------------------------------------------------------------------------------------------------------
  const SHOWN = 200000;

  async function openDocument(button) {
    const text = await unpacked("document");
    const shown = byId("json");
    const pre = document.createElement("pre");
    pre.textContent = text.slice(0, SHOWN);
    const save = document.createElement("a");
    save.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    save.download = `${document.body.dataset.name}.json`;
    save.textContent = "Save it as a file";
    const note = document.createElement("p");
    note.append(save, text.length > SHOWN ? `. The first ${SHOWN.toLocaleString("en")} characters are below.` : "");
    shown.replaceChildren(note, pre);
    button.remove();
  }

  for (const each of document.querySelectorAll(".scripted")) each.hidden = false;
  for (const each of document.querySelectorAll(".unscripted")) each.remove();
  byId("compare")?.addEventListener("submit", event => {
    event.preventDefault();
    compare(event.target);
  });
  byId("open")?.addEventListener("click", event => openDocument(event.target));
})();
