// Asks the master once a second and shows what it says: an overview, or one job (#job/7).
"use strict";

(() => {
  const EVERY_MS = 1000;
  const STAGES = ["plan", "map", "reduce", "commit", "sample"]; // by their numbers
  const OUTCOMES = ["completed", "failed", "given up", "worker lost",
    "killed (lost race)"];
  const ORDER = ["plan", "sample", "map", "reduce", "commit"];
  const KINDS = { // of errors, by engine/base/err.h
    retry: "network or storage", disk: "the disk of a worker", peer: "an output of a map was lost",
    input: "the input", job: "the job's code", limit: "a limit", setup: "set-up",
  };
  const LETTERS = { ".": "\u00b7", ">": "\u25b8", "#": "\u25a0" };
  const LIVE = new Set(["planning", "running", "committing"]);
  const UNEVEN = 1.5; // times its even share: from there on a partition is shown

  const { element, quoted, number, seconds, bytes, bar } = view;
  const main = document.getElementById("main");
  const state = document.getElementById("state");
  const names = new Map(); // of workers, those that have left too
  let attempts = []; // of the job that is shown, as far as they have ended
  let job = null; // its number
  let next = 0; // of its attempts, the first that is not here
  let overview = null;

  async function ask(path) {
    const answer = await fetch("api/" + path);
    if (answer.status === 404) {
      return null;
    }
    if (!answer.ok) {
      throw new Error(answer.status === 503 ? "the master is busy" : `it says ${answer.status}`);
    }
    return answer.json();
  }

  function nameOf(worker) {
    return worker < 0 ? "master" : `${worker} ${names.get(worker) || ""}`;
  }

  // ---- the overview

  function stageOf(info, name) {
    return info.stages.find((stage) => stage.name === name);
  }

  function counts(stage) {
    return stage && stage.tasks ? `${number(stage.completed)} / ${number(stage.tasks)}` : "";
  }

  function jobRow(info) {
    return [
      element("a", { href: `#job/${info.id}` }, `${info.id}`),
      info.parent ? [quoted(info.name), ` (a step of job ${info.parent})`] : quoted(info.name),
      quoted(info.user), info.status,
      [bar(info.status === "succeeded" ? 1 : info.fraction, `progress of job ${info.id}`)],
      counts(stageOf(info, "map")), counts(stageOf(info, "reduce")), seconds(info.seconds),
      new Date(info.submitted_ms).toLocaleString("sv"),
    ];
  }

  // The steps of a job stand below it.
  function inOrder(jobs) {
    const known = new Set(jobs.map((info) => info.id));
    return jobs.filter((info) => !known.has(info.parent)).flatMap((info) =>
      [info, ...jobs.filter((step) => step.parent === info.id)]);
  }

  function workerRow(worker) {
    return [
      number(worker.id), quoted(worker.name), quoted(worker.address), worker.state,
      `${worker.running} / ${worker.slots}`, number(worker.held), bytes(worker.disk_free_bytes),
      seconds(worker.silent_ms / 1000),
    ];
  }

  function overviewParts(all) {
    const jobs = view.table("Jobs",
      ["job", "name", "user", "status", "progress", "maps", "reduces", "took", "submitted"],
      inOrder(all.jobs).map(jobRow),
      ["number", "word", "word", "word", "word", "number", "number", "number", "word"]);
    const workers = view.table("Workers",
      ["worker", "name", "address", "state", "slots", "outputs", "disk free", "last heard"],
      all.workers.map(workerRow),
      ["number", "word", "word", "word", "number", "number", "number", "number"]);
    return [
      all.jobs.length ? jobs : element("p", {}, "No job yet: mrlua submit JOB.lua INPUT -o OUTPUT"),
      all.workers.length ? workers : element("p", {}, "No worker yet: mrlua worker"),
    ];
  }

  // ---- a job

  function stageRow(stage) {
    const rate = stage.seconds > 0 ? stage.records / stage.seconds : 0;
    const fraction = stage.bytes > 0 ? stage.bytes_done / stage.bytes
      : stage.completed / stage.tasks;
    return [
      stage.name, [bar(Math.min(1, fraction), `progress of ${stage.name}`)], number(stage.tasks),
      number(stage.idle), number(stage.in_progress), number(stage.completed),
      number(stage.failures), seconds(stage.seconds),
      stage.bytes > 0 ? `${bytes(stage.bytes_done)} / ${bytes(stage.bytes)}` : "",
      rate > 0 ? `${number(Math.round(rate))} / s` : "",
    ];
  }

  function stageTable(info) {
    const stages = ORDER.map((name) => stageOf(info, name)).filter((stage) => stage?.tasks);
    return view.table("Stages", ["stage", "progress", "tasks", "idle", "in progress", "completed",
      "failures", "took", "bytes", "records"], stages.map(stageRow),
    ["word", "word", ...Array(8).fill("number")]);
  }

  function counterOf(info, name) {
    return info.counters.find(([known]) => known === name)?.[1] || 0;
  }

  function phaseTable(info) {
    const phases = [
      ["read", counterOf(info, "map_bytes_in"), counterOf(info, "map_records_in")],
      ["shuffled", counterOf(info, "map_bytes_written"), counterOf(info, "map_records_written")],
      // Of a job without reduces its maps write the parts.
      counterOf(info, "map_bytes_out") > 0
        ? ["written", counterOf(info, "map_bytes_out"), counterOf(info, "map_records_out")]
        : ["written", counterOf(info, "reduce_bytes_out"), counterOf(info, "reduce_records_out")],
    ];
    return view.table("Bytes", ["phase", "bytes", "records"],
      phases.map(([name, size, records]) => [name, bytes(size), number(records)]),
      ["word", "number", "number"]);
  }

  // Where the output of the maps is uneven: who has too much, and what could be done.
  function skewParts(skew) {
    if (!skew) {
      return [];
    }
    const share = (part, all) => (all > 0 ? (100 * part / all).toFixed(1) : "0.0") + " %";
    const keys = skew.keys.map((hot) => [quoted(hot.key), number(hot.records),
      share(hot.records, skew.records), number(hot.partition)]);
    const even = skew.bytes / skew.partitions;
    const largest = skew.largest.filter((one) => one.bytes > UNEVEN * even).map((one) => [number(one.partition), bytes(one.bytes),
      share(one.bytes, skew.bytes), number(one.records)]);
    return [
      ...(skew.advice.length ? [element("section", { class: "advice" }, [
        element("h3", {}, "Skew"), ...skew.advice.map((text) => element("p", {}, view.line(text))),
      ])] : []),
      ...(keys.length ? [view.table("Hot keys", ["key", "records", "share", "partition"], keys,
        ["word", "number", "number", "number"])] : []),
      ...(largest.length ? [view.table("Largest partitions",
        ["partition", "bytes", "share", "records"], largest,
        ["number", "number", "number", "number"])] : []),
    ];
  }

  // What was tried again or lost; and of a job whose attempts are forgotten the slowest ones.
  function effortParts(effort, isForgotten) {
    if (!effort) {
      return [];
    }
    const trouble = [
      ["attempts that failed", effort.failed], ["workers that were lost", effort.workers_lost],
      ["attempts lost with them", effort.lost], ["outputs that were lost", effort.outputs_lost],
      ["attempts that were overtaken", effort.lost_races],
    ].filter(([, count]) => count > 0).map(([what, count]) => [what, number(count)]);
    const slowest = effort.slowest.map((slow) => [
      `${slow.step > 0 ? `step ${slow.step}, ` : ""}${slow.stage} ${slow.task}`,
      quoted(slow.worker), seconds(slow.seconds)]);
    return [
      ...(trouble.length ? [view.table("Trouble", ["what", "how often"], trouble,
        ["word", "number"])] : []),
      ...(isForgotten && slowest.length ? [view.table("Slowest attempts",
        ["task", "worker", "took"], slowest, ["word", "word", "number"])] : []),
    ];
  }

  function errorParts(info) {
    if (!info.error) {
      return [];
    }
    // One alone is what the error tells; of several it tells the last one.
    const causes = info.causes.length < 2 ? [] : info.causes.map((cause) => element("li", {},
      ["on ", cause.worker < 0 ? "the master" : quoted(`worker ${nameOf(cause.worker)}`),
        `: ${KINDS[cause.error?.kind] || "unknown"}`]));
    return [element("section", { class: "error" }, [
      element("h3", {}, info.status === "cancelled" ? "Cancelled"
        : `Error: ${KINDS[info.error.kind] || info.error.kind}`),
      element("pre", {}, view.lines(info.error.message)),
      ...(info.detail ? [element("pre", {}, view.lines(info.detail))] : []),
      ...(causes.length ? [element("p", {}, "Failed, the last first:"),
        element("ul", {}, causes)] : []),
    ])];
  }

  // A character per task: it needs no colours, and 10,000 of them are one text.
  function taskParts(states) {
    return Object.entries(states || {}).filter(([, letters]) => letters)
      .map(([name, letters]) => element("section", {}, [
        element("h3", {}, `Tasks: ${name}`),
        element("p", { class: "legend" },
          `${LETTERS["."]} idle  ${LETTERS[">"]} in progress  ${LETTERS["#"]} completed`),
        element("pre", { class: "tasks" }, letters.replace(/[.>#]/g, (c) => LETTERS[c])),
      ]));
  }

  function attemptsNow(all) {
    const now = all.age_ms || 0;
    const running = (all.running || []).map(([stage, task, worker, age]) => ({
      stage: STAGES[stage], task, worker, begun: Math.max(0, now - age), ended: now,
      outcome: "running",
    }));
    return attempts.map((attempt) => ({ ...attempt })).concat(running);
  }

  function timelineParts(all) {
    const shown = attemptsNow(all);
    if (!shown.length) {
      return [];
    }
    const span = shown.reduce((last, attempt) => Math.max(last, attempt.ended), 0);
    return [
      element("section", {}, [
        element("h3", {}, "Attempts over time"),
        element("p", { class: "legend" }, "A lane per attempt at a time. Filled: completed; light: "
          + "running; dashed: failed, or lost with its worker; thin: given up."),
        element("div", { class: "wide" }, timeline.draw(shown, span, nameOf)),
      ]),
      timeline.slowest(shown, nameOf),
    ];
  }

  function jobParts(all) {
    const info = all.job;
    const counters = view.table("Counters", ["counter", "value"],
      info.counters.map(([name, value]) => [quoted(name), number(value)]), ["word", "number"]);
    return [
      element("h2", {}, [`Job ${info.id} `, quoted(info.name)]),
      element("p", {}, [`${info.status}, `,
        element("span", {}, LIVE.has(info.status) ? `for ${seconds(info.seconds)}`
          : `after ${seconds(info.seconds)}`),
        ...(info.user ? [", by ", quoted(info.user)] : []), ", output ", quoted(info.output)]),
      element("div", { class: "parts" }, [...errorParts(info), stageTable(info),
        ...timelineParts(all), ...effortParts(info.effort, !attemptsNow(all).length),
        phaseTable(info), ...skewParts(info.skew),
        ...(info.counters.length ? [counters] : []), ...taskParts(all.states)]),
    ];
  }

  function keepAttempts(answer) {
    if (answer.from < next) {
      attempts = []; // the master began anew
    }
    for (const [stage, task, worker, begun, ended, outcome] of answer.items) {
      attempts.push({ stage: STAGES[stage], task, worker, begun, ended,
        outcome: OUTCOMES[outcome] });
    }
    next = answer.from + answer.items.length;
    return next < answer.count;
  }

  async function askJob(id) {
    if (id !== job) {
      attempts = [];
      next = 0;
      job = id;
    }
    const all = await ask(`job/${id}`);
    if (!all || location.hash !== `#job/${id}`) {
      return all;
    }
    for (let more = true; more;) {
      const answer = await ask(`attempts/${id}/${next}`);
      if (answer && answer.count < next) {
        attempts = [];
        next = 0;
      } else {
        more = answer !== null && keepAttempts(answer);
      }
    }
    return all;
  }

  // ---- the loop

  async function look() {
    const wanted = location.hash.match(/^#job\/(\d+)$/)?.[1];
    if (!wanted || !overview) {
      overview = await ask("overview");
      overview.workers.forEach((worker) => names.set(worker.id, worker.name));
    }
    if (!wanted) {
      document.title = "mrlua";
      view.show(main, overviewParts(overview));
      return;
    }
    const all = await askJob(wanted);
    document.title = `mrlua: job ${wanted}`;
    view.show(main, all ? jobParts(all) : [element("p", {}, `There is no job ${wanted}.`)]);
  }

  let timer = null;
  let isLooking = false;

  async function turn() {
    clearTimeout(timer);
    if (isLooking) {
      return;
    }
    isLooking = true;
    try {
      await look();
      view.show(state, [`live, ${new Date().toLocaleTimeString("sv")}`]);
    } catch (error) {
      view.show(state, [`no news since ${new Date().toLocaleTimeString("sv")}: ${error.message}`]);
    }
    isLooking = false;
    timer = setTimeout(turn, EVERY_MS);
  }

  addEventListener("hashchange", turn);
  turn();
})();
