// The attempts of a job over time, a lane per slot of a worker: one looks at it and sees the
// straggler. An attempt is { stage, task, worker, begun, ended, outcome }, times in ms since the job
// began, outcome a word or "running".
"use strict";

const timeline = (() => {
  const LANE = 12, LABEL = 120, WIDTH = 1000, AXIS = 22;
  const ONE_BY_ONE_MAX = 2000; // more are drawn as one shape for all that are alike
  const SLOWEST = 10;

  function byWorker(attempts) {
    const workers = new Map();
    for (const attempt of attempts) {
      if (!workers.has(attempt.worker)) {
        workers.set(attempt.worker, []);
      }
      workers.get(attempt.worker).push(attempt);
    }
    return [...workers].sort((a, b) => a[0] - b[0]);
  }

  // Puts each attempt in the first lane that is free when it begins.
  function layOut(attempts) {
    const ends = [];
    attempts.sort((a, b) => a.begun - b.begun || a.task - b.task);
    for (const attempt of attempts) {
      let lane = ends.findIndex((end) => end <= attempt.begun);
      lane = lane < 0 ? ends.length : lane;
      ends[lane] = attempt.ended;
      attempt.lane = lane;
    }
    return ends.length;
  }

  // Between two marks of the axis, in ms: at most ten of them.
  function stepOf(span) {
    const steps = [100, 200, 500];
    for (const unit of [1000, 60 * 1000, 3600 * 1000, 36000 * 1000]) {
      steps.push(unit, 2 * unit, 5 * unit, 10 * unit, 30 * unit);
    }
    return steps.find((step) => span / step <= 10) || span;
  }

  function axis(span, height, scale) {
    const marks = [];
    for (let at = 0; at <= span; at += stepOf(span)) {
      const x = LABEL + at * scale;
      marks.push(view.element("line", { class: "mark", x1: x, x2: x, y1: 0, y2: height }));
      marks.push(view.element("text", { class: "mark", x: x + 2, y: height + 14 },
        view.seconds(at / 1000)));
    }
    return marks;
  }

  function tell(attempt) {
    return `${attempt.stage} ${attempt.task}, ${attempt.outcome}, `
      + view.seconds((attempt.ended - attempt.begun) / 1000);
  }

  function boxOf(attempt, top, scale) {
    return {
      x: LABEL + attempt.begun * scale, y: top + attempt.lane * LANE + 1,
      width: Math.max(1, (attempt.ended - attempt.begun) * scale), height: LANE - 3,
    };
  }

  function classOf(attempt) {
    return `attempt ${attempt.stage} ${attempt.outcome}`;
  }

  function oneByOne(boxes) {
    return boxes.map(([attempt, box]) =>
      view.element("rect", { class: classOf(attempt), ...box },
        view.element("title", {}, tell(attempt))));
  }

  function together(boxes) {
    const paths = new Map();
    for (const [attempt, box] of boxes) {
      const name = classOf(attempt);
      const path = `M${box.x.toFixed(1)} ${box.y}h${box.width.toFixed(1)}v${box.height}`
        + `h-${box.width.toFixed(1)}z`;
      paths.set(name, (paths.get(name) || "") + path);
    }
    return [...paths].map(([name, path]) => view.element("path", { class: name, d: path }));
  }

  function draw(attempts, span, nameOf) {
    const scale = (WIDTH - LABEL - 40) / Math.max(span, 1), labels = [], boxes = [];
    let top = 0;
    for (const [worker, own] of byWorker(attempts)) {
      const lanes = layOut(own);
      labels.push(view.element("text", { class: "worker", x: 0, y: top + LANE - 3 },
        view.line(nameOf(worker)).slice(0, 18)));
      own.forEach((attempt) => boxes.push([attempt, boxOf(attempt, top, scale)]));
      top += lanes * LANE + 4;
    }
    const drawn = boxes.length > ONE_BY_ONE_MAX ? together(boxes) : oneByOne(boxes);
    return view.element("svg", {
      class: "timeline", viewBox: `0 0 ${WIDTH} ${top + AXIS}`, role: "img",
      "aria-label": "attempts of each worker over time",
    }, [...axis(span, top, scale), ...labels, ...drawn]);
  }

  function slowest(attempts, nameOf) {
    const rows = [...attempts].sort((a, b) => (b.ended - b.begun) - (a.ended - a.begun))
      .slice(0, SLOWEST)
      .map((attempt) => [attempt.stage, view.number(attempt.task),
        view.quoted(nameOf(attempt.worker)),
        view.seconds((attempt.ended - attempt.begun) / 1000), attempt.outcome]);
    return view.table("Slowest attempts", ["stage", "task", "worker", "took", "outcome"], rows,
      ["word", "number", "word", "number", "word"]);
  }

  return { draw, slowest };
})();
