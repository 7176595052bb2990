// One cursor over all charts: beside each curve's name stands its value at the step under the pointer.
(() => {
  const charts = [...document.querySelectorAll("figure.chart")].map((figure) => {
    const svg = figure.querySelector("svg");
    const outputs = figure.querySelectorAll("output");
    const lines = [...svg.querySelectorAll("g[data-steps]")].map((g, i) => ({
      steps: g.dataset.steps.split(" ").map(Number),
      values: g.dataset.values.split(" "),
      output: outputs[i],
    }));
    const { first, span, left, width } = svg.dataset;
    return { svg, lines, cursor: svg.querySelector(".cursor"), first: +first, span: +span, left: +left, width: +width };
  });

  const nearest = (steps, step) => {
    let low = 0, high = steps.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps[middle] < step) low = middle + 1;
      else high = middle;
    }
    return low > 0 && step - steps[low - 1] < steps[low] - step ? low - 1 : low;
  };

  const label = document.getElementById("at-step");
  const show = (step) => {
    for (const { svg, lines, cursor, first, span, left, width } of charts) {
      cursor.toggleAttribute("hidden", step === null);
      if (step !== null) cursor.setAttribute("transform", `translate(${left + ((step - first) / span) * width} 0)`);
      for (const { steps, values, output } of lines)
        output.value = values[step === null ? values.length - 1 : nearest(steps, step)];
    }
    label.textContent = step === null ? "" : `at step ${Math.round(step).toLocaleString("en")}`;
  };

  for (const { svg, first, span, left, width } of charts) {
    svg.addEventListener("pointermove", (event) => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      show(first + Math.min(1, Math.max(0, (point.x - left) / width)) * span);
    });
    svg.addEventListener("pointerleave", () => show(null));
  }

  // one clip at a time
  document.addEventListener("play", (event) => {
    for (const audio of document.querySelectorAll("audio")) if (audio !== event.target) audio.pause();
  }, true);
})();
