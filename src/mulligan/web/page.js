"use strict";

// One sample at a time, by its seed, which stands in the address: going back, reloading and sharing the link show the same one.

const element = (id) => document.getElementById(id);
const MOST_SEED = 2 ** 31;
let waits = false;

const asked = () => new URLSearchParams(location.search);
const seedNow = () => Number.parseInt(asked().get("seed") ?? "", 10) || 0;
const anySeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % MOST_SEED;

function address(path, seed) {
  const words = new URLSearchParams({ seed: String(seed) });
  if (element("label").value) words.set("label", element("label").value);
  return `${path}?${words}`;
}

async function fetched(path) {
  const response = await fetch(path);
  if (!response.ok) {
    const told = response.headers.get("content-type")?.includes("json") ? (await response.json()).detail : await response.text();
    throw new Error(response.status === 503 ? "The server is busy: try again in a moment." : String(told));
  }
  return response;
}

function tell(error) {
  element("error").textContent = error ? error.message : "";
  element("error").hidden = !error;
}

async function show() {
  const seed = seedNow();
  try {
    const path = address("/api/sample", seed);
    const blob = await (await fetched(path)).blob();
    const picture = element("sample");
    URL.revokeObjectURL(picture.src);
    picture.src = URL.createObjectURL(blob);
    picture.alt = `Synthetic sample of seed ${seed}${element("label").value ? `, class ${element("label").value}` : ""}`;
    element("link").href = address("/", seed);
    element("link").textContent = `Link to this one (seed ${seed})`;
    element("save").href = path;
    element("save").download = `seed-${seed}.png`;
    tell(null);
  } catch (error) {
    tell(error);
  }
}

async function go(seed, replace = false) {
  history[replace ? "replaceState" : "pushState"]({}, "", address("/", seed));
  await show();
}

async function next() {
  if (waits) return;
  waits = true;
  await go(anySeed());
  waits = false;
}

// The round: ten pairs, one of each is real.

let round = { pairs: [], place: 0, right: 0 };

async function begin() {
  try {
    round = { pairs: (await (await fetched(`/api/round?seed=${anySeed()}`)).json()).pairs, place: 0, right: 0 };
    element("again").hidden = true;
    element("score").textContent = "";
    pose();
    tell(null);
  } catch (error) {
    tell(error);
  }
}

function pose() {
  const { images } = round.pairs[round.place];
  element("question").textContent = `Which one is real? ${round.place + 1} of ${round.pairs.length}`;
  element("pair").replaceChildren(
    ...images.map((source, place) => {
      const button = document.createElement("button");
      const picture = document.createElement("img");
      button.type = "button";
      picture.src = source;
      picture.alt = place === 0 ? "Left" : "Right";
      button.append(picture);
      button.addEventListener("click", () => answer(place));
      return button;
    }),
  );
  element("pair").firstElementChild.focus();
}

function answer(place) {
  if (element("pair").dataset.answered === "yes") return;
  element("pair").dataset.answered = "yes";
  const { real } = round.pairs[round.place];
  const buttons = [...element("pair").children];
  buttons[real].className = "right";
  if (place !== real) buttons[place].className = "wrong";
  round.right += place === real ? 1 : 0;
  round.place += 1;
  element("score").textContent = `${place === real ? "Right" : "Wrong"}: ${round.right} of ${round.place}`;
  setTimeout(() => {
    delete element("pair").dataset.answered;
    if (round.place < round.pairs.length) {
      pose();
      return;
    }
    const guesses = round.right >= 8 ? "You see the difference." : round.right >= 4 ? "That is what guessing gives." : "The fakes look more real to you.";
    element("question").textContent = `${round.right} of ${round.pairs.length} right. ${guesses}`;
    element("pair").replaceChildren();
    element("again").hidden = false;
    element("again").focus();
  }, 900);
}

function choose(what) {
  element("one").hidden = what !== "look";
  element("round").hidden = what !== "guess";
  element("look").setAttribute("aria-pressed", String(what === "look"));
  element("guess").setAttribute("aria-pressed", String(what === "guess"));
  if (what === "guess") begin();
}

async function begun() {
  const model = await (await fetched("/api/model")).json();
  for (const name of model.classes) element("label").append(new Option(name, name));
  element("classes").hidden = model.classes.length === 0;
  element("guess").hidden = !model.round;
  const wanted = asked().get("label") ?? "";
  if (model.classes.includes(wanted)) element("label").value = wanted;
  element("about").textContent = `Made by a generative adversarial network (${model.recipe}, trained on ${model.trained.data}); every file says so inside.`;
  await (asked().has("seed") ? show() : go(anySeed(), true));
}

element("next").addEventListener("click", next);
element("back").addEventListener("click", () => history.back());
element("label").addEventListener("change", () => go(seedNow()));
element("look").addEventListener("click", () => choose("look"));
element("guess").addEventListener("click", () => choose("guess"));
element("again").addEventListener("click", begin);
addEventListener("popstate", () => {
  element("label").value = asked().get("label") ?? "";
  show();
});
addEventListener("keydown", (event) => {
  if (event.code !== "Space" || element("one").hidden || event.target.closest("button, select, a, input")) return;
  event.preventDefault();
  next();
});
begun().catch(tell);
