// The plane of the lab: D's landscape, G's grid, real points (rings), samples (triangles) and where they are pushed (arrows).
// Colours are those of the style sheet (--lab-*), so that light and dark follow it.

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const places = (text) => new Int16Array(bytes(text).buffer);
const FULL = 32767; // of a landscape: a full colour
const LONGEST = 28; // pixels of an arrow, which a push without bounds would have
const SPRAY = 0.055; // how far points fly from the pointer, in units of the frame
const APART = 0.05; // how far the pointer moves between two points
const TAKES_SPACE = "input, select, textarea, button, a, summary, [contenteditable], [role=button], [role=option], [role=switch], [role=checkbox]";

export default {
  template: `<div class="lab-plane"><canvas ref="canvas" role="img" :aria-label="label" :class="{ drawing }"
    @pointerdown="down" @pointermove="move" @pointerup="up" @pointercancel="up"></canvas></div>`,
  props: { frame: Object, label: String, layers: Object, drawing: Boolean, most: Number, grain: Number, side: Number },
  data: () => ({ points: [] }),
  watch: {
    frame() { this.later(); },
    layers() { this.later(); },
    drawing() { this.points = []; this.later(); },
  },
  mounted() {
    this.sized = new ResizeObserver(() => this.later());
    this.sized.observe(this.$refs.canvas);
    this.themed = new MutationObserver(() => this.later());
    this.themed.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.again = () => this.later();
    this.scheme.addEventListener("change", this.again);
    this.pressed = (event) => this.press(event);
    document.addEventListener("keydown", this.pressed);
    this.hidden = () => this.$emit("hidden", document.hidden);
    document.addEventListener("visibilitychange", this.hidden);
  },
  unmounted() {
    this.sized.disconnect();
    this.themed.disconnect();
    this.scheme.removeEventListener("change", this.again);
    document.removeEventListener("keydown", this.pressed);
    document.removeEventListener("visibilitychange", this.hidden);
    cancelAnimationFrame(this.waiting);
  },
  methods: {
    clear() {
      this.points = [];
      this.$emit("drawn", []);
      this.later();
    },
    press(event) {
      if (event.code !== "Space" || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
      if (event.target instanceof Element && event.target.closest(TAKES_SPACE)) return;
      event.preventDefault(); // or the page would scroll
      this.$emit("space");
    },
    later() {
      cancelAnimationFrame(this.waiting);
      this.waiting = requestAnimationFrame(() => this.draw());
    },

    // Drawing points

    down(event) {
      if (!this.drawing) return;
      event.preventDefault();
      this.$refs.canvas.setPointerCapture(event.pointerId);
      this.last = null;
      for (let drop = 0; drop < 4; drop++) this.drop(event, true);
    },
    move(event) {
      if (this.drawing && this.$refs.canvas.hasPointerCapture(event.pointerId)) {
        for (const each of event.getCoalescedEvents?.() ?? [event]) this.drop(each, false);
      }
    },
    up(event) {
      if (!this.drawing || !this.$refs.canvas.hasPointerCapture(event.pointerId)) return;
      this.$refs.canvas.releasePointerCapture(event.pointerId);
      this.$emit("drawn", this.points);
    },
    drop(event, here) {
      const box = this.$refs.canvas.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width * 2 - 1) * this.side;
      const y = (1 - (event.clientY - box.top) / box.height * 2) * this.side;
      const [u, v] = this.last ?? [x, y];
      const steps = here ? 1 : Math.floor(Math.hypot(x - u, y - v) / APART);
      if (!steps) return;
      for (let step = 1; step <= steps; step++) {
        const way = step / steps;
        for (const _ of [0, 1]) this.spray(u + (x - u) * way, v + (y - v) * way);
      }
      this.last = [x, y];
      this.later();
    },
    spray(x, y) {
      if (this.points.length >= 2 * this.most) return;
      const angle = Math.random() * 2 * Math.PI;
      const far = SPRAY * Math.sqrt(-2 * Math.log(1 - Math.random()));
      const within = (value) => Math.round(1000 * Math.min(Math.max(value, -this.side), this.side)) / 1000;
      this.points.push(within(x + far * Math.cos(angle)), within(y + far * Math.sin(angle)));
    },

    // Showing

    draw() {
      const canvas = this.$refs.canvas;
      if (!canvas || !canvas.clientWidth) return;
      const ratio = devicePixelRatio || 1;
      const size = canvas.clientWidth;
      if (canvas.width !== Math.round(size * ratio)) canvas.width = canvas.height = Math.round(size * ratio);
      const pen = canvas.getContext("2d");
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      const style = getComputedStyle(this.$el);
      const colour = (name) => style.getPropertyValue(`--lab-${name}`).trim();
      const scale = size / (2 * this.side);
      const put = (x, y) => [(x / this.grain + this.side) * scale, (this.side - y / this.grain) * scale];
      pen.fillStyle = colour("middle");
      pen.fillRect(0, 0, size, size);
      if (this.drawing) return this.sheet(pen, colour, size, put);
      if (!this.frame) return;
      const { frame, layers } = this;
      if (layers.land) this.landscape(pen, colour, size, places(frame.land), frame.cells);
      if (layers.lines) this.grid(pen, colour, put, places(frame.lines), frame.along);
      const small = size < 420 ? 0.8 : 1;
      this.triangles(pen, colour, put, places(frame.fake), small);
      this.discs(pen, colour, put, places(frame.real), small); // hollow, so that samples below are seen
      if (layers.pushes) this.arrows(pen, colour, put, places(frame.starts), places(frame.pushes));
    },
    sheet(pen, colour, size, put) {
      pen.strokeStyle = colour("line");
      pen.setLineDash([6, 6]);
      pen.strokeRect(8, 8, size - 16, size - 16);
      pen.setLineDash([]);
      if (!this.points.length) {
        pen.fillStyle = colour("quiet");
        pen.font = "1rem system-ui, sans-serif";
        pen.textAlign = "center";
        pen.fillText("Draw here with the mouse or a finger", size / 2, size / 2);
      }
      this.discs(pen, colour, put, this.points.map((value) => value * this.grain), 1);
    },
    landscape(pen, colour, size, values, cells) {
      const ends = ["low", "middle", "high"].map((name) => rgb(pen, colour(name)));
      const picture = new ImageData(cells, cells);
      for (let row = 0; row < cells; row++) {
        for (let column = 0; column < cells; column++) {
          const part = values[row * cells + column] / FULL;
          const end = ends[part < 0 ? 0 : 2];
          const place = 4 * ((cells - 1 - row) * cells + column);
          for (let band = 0; band < 3; band++) picture.data[place + band] = ends[1][band] + Math.abs(part) * (end[band] - ends[1][band]);
          picture.data[place + 3] = 255;
        }
      }
      this.small ??= document.createElement("canvas");
      this.small.width = this.small.height = cells;
      this.small.getContext("2d").putImageData(picture, 0, 0);
      pen.imageSmoothingEnabled = true;
      pen.imageSmoothingQuality = "high";
      pen.drawImage(this.small, 0, 0, size, size);
      this.border(pen, colour, size, values, cells);
    },
    // The line on which nobody wins, so that the sides are told without colours too: cell by cell, where the middle is crossed.
    border(pen, colour, size, values, cells) {
      const step = size / cells;
      const at = (column, row) => values[row * cells + column];
      const where = (column, row) => [(column + 0.5) * step, size - (row + 0.5) * step];
      pen.beginPath();
      for (let row = 0; row + 1 < cells; row++) {
        for (let column = 0; column + 1 < cells; column++) {
          const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]];
          const crossed = [];
          corners.forEach((one, place) => {
            const two = corners[(place + 1) % 4];
            const [a, b] = [at(...one), at(...two)];
            if (a < 0 === b < 0) return;
            const way = a / (a - b);
            const [[x, y], [u, v]] = [where(...one), where(...two)];
            crossed.push([x + (u - x) * way, y + (v - y) * way]);
          });
          for (let place = 0; place + 1 < crossed.length; place += 2) {
            pen.moveTo(...crossed[place]);
            pen.lineTo(...crossed[place + 1]);
          }
        }
      }
      pen.strokeStyle = colour("border");
      pen.lineWidth = 1.5;
      pen.setLineDash([5, 4]);
      pen.stroke();
      pen.setLineDash([]);
    },
    grid(pen, colour, put, lines, along) {
      pen.strokeStyle = colour("grid");
      pen.lineWidth = 1;
      pen.beginPath();
      for (let place = 0; place < lines.length; place += 2) {
        const [x, y] = put(lines[place], lines[place + 1]);
        if ((place / 2) % along) pen.lineTo(x, y);
        else pen.moveTo(x, y);
      }
      pen.stroke();
    },
    discs(pen, colour, put, points, small) {
      pen.fillStyle = colour("inside");
      pen.strokeStyle = colour("real");
      pen.lineWidth = 1.5;
      const radius = small * (points.length > 1600 ? 2.2 : 3.2);
      for (let place = 0; place < points.length; place += 2) {
        pen.beginPath();
        pen.arc(...put(points[place], points[place + 1]), radius, 0, 2 * Math.PI);
        pen.fill();
        pen.stroke();
      }
    },
    triangles(pen, colour, put, points, small) {
      pen.fillStyle = colour("fake");
      pen.strokeStyle = colour("rim");
      pen.lineWidth = 0.75;
      const [half, low, high] = [4 * small, 2.6 * small, 4.6 * small];
      for (let place = 0; place < points.length; place += 2) {
        const [x, y] = put(points[place], points[place + 1]);
        pen.beginPath();
        pen.moveTo(x - half, y + low);
        pen.lineTo(x + half, y + low);
        pen.lineTo(x, y - high);
        pen.closePath();
        pen.fill();
        pen.stroke();
      }
    },
    arrows(pen, colour, put, starts, pushes) {
      pen.strokeStyle = pen.fillStyle = colour("arrow");
      pen.lineWidth = 1.2;
      for (let place = 0; place < starts.length; place += 2) {
        const [x, y] = put(starts[place], starts[place + 1]);
        const [u, v] = [pushes[place] / this.grain, -pushes[place + 1] / this.grain];
        const steep = Math.hypot(u, v);
        const long = LONGEST * steep / (steep + 0.5);
        if (long < 2) continue; // too short for a direction
        const [dx, dy] = [u / steep, v / steep];
        const [tx, ty] = [x + dx * long, y + dy * long];
        const head = Math.min(5, long);
        pen.beginPath();
        pen.moveTo(x, y);
        pen.lineTo(tx - dx * head, ty - dy * head);
        pen.stroke();
        pen.beginPath();
        pen.moveTo(tx, ty);
        pen.lineTo(tx - dx * head - dy * head / 2, ty - dy * head + dx * head / 2);
        pen.lineTo(tx - dx * head + dy * head / 2, ty - dy * head - dx * head / 2);
        pen.fill();
      }
    },
  },
};

// A colour of the style sheet as three numbers: a canvas writes any as #rrggbb.
function rgb(pen, colour) {
  pen.fillStyle = colour;
  return [1, 3, 5].map((place) => Number.parseInt(pen.fillStyle.slice(place, place + 2), 16));
}
