// The browser's own slider with its name and, in words, its value: a name, a role and all keys belong to the element that has the focus.
// words: how the value is told - one of `choices`, "power" (ten to the value), "number", or "" where a picture shows it.
export default {
  template: `<div class="slide">
    <div v-if="words" class="name" aria-hidden="true"><span>{{ label }}</span><b>{{ told }}</b></div>
    <input type="range" :min="min" :max="max" :step="step" :value="modelValue" :aria-label="label" :aria-valuetext="told || null"
      @input="$emit('update:model-value', Number($event.target.value))">
  </div>`,
  props: { modelValue: Number, min: Number, max: Number, step: Number, label: String, words: String, choices: Array },
  computed: {
    told() {
      if (this.words === "choices") return this.choices[Number(this.modelValue)];
      if (this.words === "power") return String(Number((10 ** Number(this.modelValue)).toPrecision(2)));
      return this.words === "number" ? Number(this.modelValue).toFixed(2) : "";
    },
  },
};
