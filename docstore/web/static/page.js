// What a page can do with JavaScript, and can do without: sliders beside numbers, times as distances, the plot.
"use strict";
(() => {
  // --- a slider for each number of a version ---------------------------------------------------------------------
  function sliders(root) {
    for (const slider of root.querySelectorAll("input[type=range][data-for]")) {
      const number = slider.form.elements[slider.dataset.for];
      if (slider.max === slider.min) continue;
      slider.hidden = false;
      slider.addEventListener("input", () => { number.value = slider.value; });
      number.addEventListener("input", () => { slider.value = number.value; });
    }
  }

  // --- "3 minutes ago" beside a time of the last week ------------------------------------------------------------
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  function ago(date) {
    const seconds = (date - Date.now()) / 1000;
    if (seconds < -7 * 86400 || seconds > 5) return null;
    const [unit, size] = units.find(([, each]) => -seconds >= each) || units[3];
    return words.format(Math.round(seconds / size), unit);
  }
  function times(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const text = ago(new Date(time.dateTime));
      if (text === null) continue;
      time.title = time.title || time.textContent;
      time.textContent = text;
    }
  }

  // On paper, "3 minutes ago" says nothing.
  addEventListener("beforeprint", () => {
    for (const time of document.querySelectorAll("time[title]")) time.textContent = time.title;
  });
  addEventListener("afterprint", () => times(document));

  // --- the plot ----------------------------------------------------------------------------------------------------
  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }
  const digits = value => (value == null ? "–" : String(Number(value.toPrecision(6))));
  const whole = [...Array(10).keys()].flatMap(power => [1, 2, 5].map(step => step * 10 ** power));
  function options(box, data, bars, goal) {
    const size = data[0].length > 500 ? 3 : 6;
    const dots = points => ({ paths: () => null, value: (u, v) => digits(v), points: { show: true, size, ...points } });
    const axis = () => ({
      stroke: () => colour("--quiet"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false },
      font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif",
    });
    return {
      width: box.clientWidth, height: Math.max(220, Math.min(360, box.clientWidth * 0.4)),
      scales: { x: { time: false }, y: { range: (u, low, high) => withBars(bars, low, high) } },
      cursor: { drag: { x: true, y: false } },
      axes: [
        { ...axis(), label: "trial", incrs: whole, size: 28, labelSize: 20, gap: 6 },
        { ...axis(), label: goal.replace(/^(minimize|maximize) /, ""), size: 56, labelSize: 18, gap: 6 },
      ],
      series: [
        { label: "trial", value: (u, v) => digits(v) },
        { label: "value", stroke: () => colour("--dots"), ...dots({ fill: () => colour("--dots"), width: 0 }) },
        { label: "best so far", stroke: () => colour("--best"), width: 2, points: { show: false },
          paths: uPlot.paths.stepped({ align: 1 }), value: (u, v) => digits(v) },
        ...(data.length > 3 ? [{ label: "not feasible", stroke: () => colour("--quiet"), ...dots({ width: 1 }) }] : []),
      ],
    };
  }
  // Room for error bars, as in the SVG: at each end at most half of what the values take.
  function withBars(bars, low, high) {
    if (low == null) return [low, high];
    const most = (high - low || Math.abs(low) || 1) / 2;
    const from = bars.reduce((end, [, value, sem]) => Math.min(end, value - sem), low);
    const to = bars.reduce((end, [, value, sem]) => Math.max(end, value + sem), high);
    return uPlot.rangeNum(Math.max(from, low - most), Math.min(to, high + most), 0.1, true);
  }
  // A line from one standard error below each value to one above it.
  function errorBars(chart, bars) {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.beginPath();
    bars.forEach(([trial, value, sem]) => {
      const x = chart.valToPos(trial, "x", true);
      ctx.moveTo(x, chart.valToPos(value - sem, "y", true));
      ctx.lineTo(x, chart.valToPos(value + sem, "y", true));
    });
    ctx.globalAlpha = bars.length > 300 ? 0.18 : 0.4;
    ctx.lineWidth = devicePixelRatio;
    ctx.strokeStyle = colour("--dots");
    ctx.stroke();
    ctx.restore();
  }
  // The SVG that the server drew gives way to a plot that can be enlarged and read point by point.
  async function plot(box) {
    const answer = await fetch(box.dataset.source);
    if (!answer.ok) return;
    const [series] = (await answer.json()).series;
    const { points } = series;
    const column = (key, isShown = () => true) =>
      points.map(each => (typeof each[key] === "number" && isShown(each) ? each[key] : null));
    const data = [column("trial"), column("value", each => each.is_feasible), column("best")];
    if (points.some(each => !each.is_feasible)) data.push(column("value", each => !each.is_feasible));
    const bars = points.map(each => [each.trial, each.value, each.sem]).filter(each => each.every(Number.isFinite));
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", [...box.querySelectorAll("svg > title, svg > desc")].map(each => each.textContent).join(". "));
    box.replaceChildren();
    const hooks = { draw: [chart => errorBars(chart, bars)] };
    const chart = new uPlot({ ...options(box, data, bars, series.goal), hooks }, data, box);
    new ResizeObserver(() => {
      const { width, height } = options(box, data, bars, series.goal);
      chart.setSize({ width, height });
    }).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw());
  }
  function plots(root) {
    for (const box of root.querySelectorAll(".plot[data-source]:not([data-drawn])")) {
      box.dataset.drawn = "yes";
      plot(box);
    }
  }

  // --- news ------------------------------------------------------------------------------------------------------
  // The same answer again is not put in the place of the last one: its link keeps the focus, and nobody hears it twice.
  let told = "";
  document.addEventListener("htmx:before:swap", event => {
    const { sourceElement, text } = event.detail.ctx;
    if (sourceElement.id !== "news") return;
    if (text === told) event.preventDefault();
    told = text;
  });
  // While nobody answers, the page says so; an answer that there is no news (204) ends what an error said.
  document.addEventListener("htmx:finally:request", event => {
    const { sourceElement, response } = event.detail.ctx;
    if (sourceElement.id !== "news") return;
    document.getElementById("lost").hidden = response !== undefined;
    if (response?.status !== 204) return;
    document.querySelector("#news .wrong")?.remove();
    told = "";
  });

  function prepare(root) { sliders(root); times(root); plots(root); }
  prepare(document);
  document.addEventListener("htmx:after:settle", event => {
    for (const each of document.querySelectorAll("#objective, #news")) { times(each); plots(each); }
  });
})();
