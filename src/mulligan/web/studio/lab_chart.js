// Two curves over the steps, with their names and newest values at the end, and the lines that they are to be compared with.

const numbers = (text) => new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
const ROOM = { left: 44, right: 68, top: 8, bottom: 20 }; // pixels around the curves
const APART = 14; // pixels between two names at the end, so that neither covers the other

export default {
  template: `<div class="lab-curves"><canvas ref="canvas" role="img" :aria-label="label"></canvas></div>`,
  props: { chart: Object, label: String, names: Array, levels: Array, logarithmic: Boolean },
  watch: { chart() { this.later(); } },
  mounted() {
    this.again = () => this.later();
    this.sized = new ResizeObserver(this.again);
    this.sized.observe(this.$refs.canvas);
    this.themed = new MutationObserver(this.again);
    this.themed.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.scheme.addEventListener("change", this.again);
  },
  unmounted() {
    this.sized.disconnect();
    this.themed.disconnect();
    this.scheme.removeEventListener("change", this.again);
    cancelAnimationFrame(this.waiting);
  },
  methods: {
    later() {
      cancelAnimationFrame(this.waiting);
      this.waiting = requestAnimationFrame(() => this.draw());
    },
    draw() {
      const canvas = this.$refs.canvas;
      if (!canvas || !canvas.clientWidth) return;
      const [width, height, ratio] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio || 1];
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
      const pen = canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.font = "11px system-ui, sans-serif";
      pen.textBaseline = "middle";
      const style = getComputedStyle(this.$el);
      const colour = (name) => style.getPropertyValue(`--lab-${name}`).trim();
      const steps = this.chart ? numbers(this.chart.steps) : [];
      const curves = this.chart ? this.chart.curves.map(numbers) : [];
      const levels = this.chart ? this.chart.levels : [];
      const told = [...curves.flatMap((curve) => [...curve]), ...levels].filter(Number.isFinite);
      if (steps.length < 2 || !told.length) {
        pen.fillStyle = colour("quiet");
        pen.textAlign = "center";
        pen.fillText("Curves begin with the first steps", width / 2, height / 2);
        return;
      }
      const axis = this.logarithmic ? logarithmic(told) : linear(told);
      const bottom = height - ROOM.bottom;
      const x = (step) => ROOM.left + (step - steps[0]) / (steps.at(-1) - steps[0] || 1) * (width - ROOM.left - ROOM.right);
      const y = (value) => bottom - axis.part(value) * (bottom - ROOM.top);
      this.frame(pen, colour, axis, width, bottom, y, steps, x);
      const inks = [colour("first"), colour("second")];
      levels.forEach((level, place) => this.level(pen, inks[place], y(level), width));
      curves.forEach((curve, place) => this.curve(pen, inks[place], place ? [6, 3] : [], steps, curve, x, y));
      this.ends(pen, inks, curves, y, width, bottom);
    },
    frame(pen, colour, axis, width, bottom, y, steps, x) {
      pen.strokeStyle = colour("line");
      pen.fillStyle = colour("quiet");
      pen.lineWidth = 1;
      for (const tick of axis.ticks) {
        pen.beginPath();
        pen.moveTo(ROOM.left, y(tick));
        pen.lineTo(width - ROOM.right, y(tick));
        pen.stroke();
        pen.textAlign = "right";
        pen.fillText(short(tick), ROOM.left - 5, y(tick));
      }
      pen.setLineDash([2, 3]);
      for (const step of this.chart.changes.filter((step) => step >= steps[0])) {
        pen.beginPath();
        pen.moveTo(x(step), ROOM.top);
        pen.lineTo(x(step), bottom);
        pen.stroke();
      }
      pen.setLineDash([]);
      pen.textAlign = "left";
      pen.fillText(count(steps[0]), ROOM.left, bottom + 11);
      pen.textAlign = "right";
      pen.fillText(`step ${count(steps.at(-1))}`, width - ROOM.right, bottom + 11);
    },
    level(pen, ink, height, width) {
      pen.strokeStyle = ink;
      pen.lineWidth = 1;
      pen.setLineDash([1, 3]);
      pen.beginPath();
      pen.moveTo(ROOM.left, height);
      pen.lineTo(width - ROOM.right, height);
      pen.stroke();
      pen.setLineDash([]);
    },
    curve(pen, ink, dash, steps, values, x, y) {
      pen.strokeStyle = ink;
      pen.lineWidth = 1.75;
      pen.lineJoin = "round";
      pen.setLineDash(dash);
      pen.beginPath();
      let joined = false;
      values.forEach((value, place) => {
        if (!Number.isFinite(value)) { joined = false; return; }
        if (joined) pen.lineTo(x(steps[place]), y(value));
        else pen.moveTo(x(steps[place]), y(value));
        joined = true;
      });
      pen.stroke();
      pen.setLineDash([]);
    },
    ends(pen, inks, curves, y, width, bottom) {
      const names = curves.map((curve, place) => [place, curve.findLast(Number.isFinite)]).filter(([, value]) => value !== undefined);
      const heights = names.map(([, value]) => y(value));
      if (heights.length === 2 && Math.abs(heights[0] - heights[1]) < APART) {
        const middle = Math.min(Math.max((heights[0] + heights[1]) / 2, ROOM.top + APART / 2), bottom - APART / 2);
        const first = heights[0] <= heights[1] ? 0 : 1;
        heights[first] = middle - APART / 2;
        heights[1 - first] = middle + APART / 2;
      }
      pen.textAlign = "left";
      names.forEach(([place, value], row) => {
        pen.fillStyle = inks[place];
        pen.fillText(`${this.names[place]} ${short(value)}`, width - ROOM.right + 5, heights[row]);
      });
    },
  },
};

function linear(told) {
  let [low, high] = [Math.min(...told), Math.max(...told)];
  if (low > 0 && low < 0.5 * high) low = 0;
  if (high - low < 1e-6) [low, high] = [low - 0.5, high + 0.5];
  const step = nice((high - low) / 4);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + 1e-9; tick += step) ticks.push(Math.abs(tick) < 1e-9 ? 0 : tick);
  return { part: (value) => (value - low) / (high - low), ticks };
}

function logarithmic(told) {
  const low = Math.log10(Math.max(Math.min(...told), 1e-5)) - 0.1;
  const high = Math.log10(Math.max(...told, 1e-4)) + 0.1;
  const ticks = [];
  for (let power = Math.ceil(low); power <= high; power++) ticks.push(10 ** power);
  return { part: (value) => (Math.log10(Math.max(value, 1e-5)) - low) / (high - low), ticks };
}

function nice(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * [1, 2, 5, 10].find((times) => times * power >= step);
}

const short = (value) => (value !== 0 && Math.abs(value) < 0.01) || Math.abs(value) >= 1e4 ? value.toExponential(0) : String(Number(value.toPrecision(3)));
const count = (value) => value >= 1e4 ? `${Math.round(value / 1000)}k` : String(value);
