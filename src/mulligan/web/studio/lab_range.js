// A slider with its name and, in words, its value: one of several choices, or a power of ten.

export default {
  template: `<div class="lab-slide">
    <div class="name" aria-hidden="true"><span>{{ label }}</span><b>{{ words }}</b></div>
    <input type="range" :min="low" :max="high" :step="step" v-model.number="place" :aria-label="label" :aria-valuetext="words"
      @input="$emit('place', place)">
  </div>`,
  props: { label: String, low: Number, high: Number, step: Number, place0: Number, choices: Array },
  data() { return { place: this.place0 }; },
  watch: { place0(place) { this.place = place; } },
  computed: {
    words() { return this.choices.length ? this.choices[this.place] : String(Number((10 ** this.place).toPrecision(2))); },
  },
};
