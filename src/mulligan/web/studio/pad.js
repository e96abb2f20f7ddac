// A square to drag in: two numbers between -1 and 1, the second upwards. Where it lies on a map of `side` samples, the middle of an
// outermost one is at 1. Arrow keys move it as well.
export default {
  template: `
    <div ref="pad" class="pad" tabindex="0" role="application" :aria-label="label"
      @pointerdown="down" @pointermove="drag" @pointerup="up" @pointercancel="up" @keydown="key">
      <img v-if="background" :src="background" alt="" draggable="false">
      <span class="spot" :style="spot" aria-hidden="true"></span>
    </div>`,
  props: { background: String, x: Number, y: Number, side: Number, label: String },
  data() {
    return { held: false };
  },
  computed: {
    spot() {
      const place = (number) => `${(((number + 1) / 2) * (this.side - 1) + 0.5) / this.side * 100}%`;
      return { left: place(this.x), bottom: place(this.y) };
    },
  },
  methods: {
    at(share) {
      return Math.max(-1, Math.min(1, ((share * this.side - 0.5) / (this.side - 1)) * 2 - 1));
    },
    tell(x, y) {
      this.$emit("moved", { x, y });
    },
    down(event) {
      this.held = true;
      this.$refs.pad.setPointerCapture(event.pointerId);
      this.drag(event);
    },
    drag(event) {
      if (!this.held) return;
      const box = this.$refs.pad.getBoundingClientRect();
      this.tell(this.at((event.clientX - box.left) / box.width), this.at(1 - (event.clientY - box.top) / box.height));
    },
    up() {
      this.held = false;
    },
    key(event) {
      const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!step) return;
      event.preventDefault();
      const near = (number) => Math.max(-1, Math.min(1, number));
      this.tell(near(this.x + step[0] / 20), near(this.y + step[1] / 20));
    },
  },
};
