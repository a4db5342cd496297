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
  function options(box, data, goal) {
    const axis = () => ({
      stroke: () => colour("--quiet"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false },
      font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif",
    });
    return {
      width: box.clientWidth, height: Math.max(220, Math.min(360, box.clientWidth * 0.4)),
      scales: { x: { time: false } },
      cursor: { drag: { x: true, y: false } },
      axes: [
        { ...axis(), label: "trial", incrs: whole, size: 28, labelSize: 20, gap: 6 },
        { ...axis(), label: goal.replace(/^(minimize|maximize) /, ""), size: 56, labelSize: 18, gap: 6 },
      ],
      series: [
        { label: "trial", value: (u, v) => digits(v) },
        { label: "value", stroke: () => colour("--dots"), paths: () => null, value: (u, v) => digits(v),
          points: { show: true, size: data[0].length > 500 ? 3 : 6, fill: () => colour("--dots"), width: 0 } },
        { label: "best so far", stroke: () => colour("--best"), width: 2, points: { show: false },
          paths: uPlot.paths.stepped({ align: 1 }), value: (u, v) => digits(v) },
      ],
    };
  }
  // A line from one standard error below each value to one above it.
  function errorBars(chart, sems) {
    const { ctx, bbox } = chart;
    const [trials, values] = chart.data;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.beginPath();
    sems.forEach((sem, i) => {
      if (sem === null || values[i] === null) return;
      const x = chart.valToPos(trials[i], "x", true);
      ctx.moveTo(x, chart.valToPos(values[i] - sem, "y", true));
      ctx.lineTo(x, chart.valToPos(values[i] + sem, "y", true));
    });
    ctx.globalAlpha = sems.length > 300 ? 0.18 : 0.4;
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
    const column = key => series.points.map(each => (typeof each[key] === "number" ? each[key] : null));
    const data = [column("trial"), column("value"), column("best")];
    const sems = column("sem");
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", [...box.querySelectorAll("svg > title, svg > desc")].map(each => each.textContent).join(". "));
    box.replaceChildren();
    const hooks = { draw: [chart => errorBars(chart, sems)] };
    const chart = new uPlot({ ...options(box, data, series.goal), hooks }, data, box);
    new ResizeObserver(() => {
      const { width, height } = options(box, data, series.goal);
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

  function prepare(root) { sliders(root); times(root); plots(root); }
  prepare(document);
  document.addEventListener("htmx:after:settle", event => {
    for (const each of document.querySelectorAll("#objective, #news")) { times(each); plots(each); }
  });
})();
