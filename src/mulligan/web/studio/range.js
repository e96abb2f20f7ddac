// The browser's own slider: a name, a role and all keys belong to the element that has the focus.
export default {
  template: `<input type="range" class="range" :min="min" :max="max" :step="step" :value="modelValue"
    @input="$emit('update:model-value', Number($event.target.value))">`,
  props: { modelValue: Number, min: Number, max: Number, step: Number },
};
