// Choose images: drop them, browse for them, or take an example. They go to Python in pieces that any server lets pass.
const PIECE = 2 ** 20; // bytes

function render({ model, el }) {
  const status = make("p", { role: "status", className: "tp-status" });
  const input = make("input", { type: "file", multiple: true, accept: model.get("accept") });
  const limit = model.get("limit");
  const words = make("span");
  words.append(make("b", { textContent: "Drop images here" }), " or browse");
  const hint = make("small", { textContent: `JPG, PNG or WebP, up to ${limit / 1e6} MB each. They stay on this machine.` });
  const drop = make("label", { className: "tp-drop" });
  drop.append(words, hint, input);

  const examples = make("div", { className: "tp-examples" });
  examples.append(make("span", { textContent: "Or try one:" }));
  model.get("examples").forEach(({ name, content }, index) => {
    const address = URL.createObjectURL(new Blob([content], { type: "image/jpeg" }));
    const button = make("button", { type: "button", title: name });
    button.append(make("img", { src: address, alt: `example ${name}` }));
    button.addEventListener("click", () => {
      model.send({ example: index });
      status.textContent = `Chosen: ${name}`;
    });
    examples.append(button);
  });

  input.addEventListener("change", () => choose(input.files).then(() => (input.value = "")));
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("tp-over", kind === "dragenter" || kind === "dragover");
    });
  }
  drop.addEventListener("drop", (event) => choose(event.dataTransfer.files));

  async function choose(list) {
    const files = [...list];
    const fits = files.filter((file) => file.size <= limit);
    for (const file of fits) await send(file);
    model.send({ done: true });
    const large = files.filter((file) => file.size > limit);
    status.textContent = [
      fits.length ? `Chosen: ${fits.map((file) => file.name).join(", ")}` : "Nothing chosen.",
      ...large.map((file) => `${file.name} has ${Math.round(file.size / 1e6)} MB: files up to ${limit / 1e6} MB are read.`),
    ].join(" ");
  }

  async function send(file) {
    const content = await file.arrayBuffer();
    for (let start = 0; start === 0 || start < content.byteLength; start += PIECE) {
      const piece = content.slice(start, start + PIECE);
      model.send({ name: file.name, last: start + PIECE >= content.byteLength }, undefined, [piece]);
    }
  }

  el.append(drop, examples, status);
}

function make(tag, properties = {}) {
  const { role, ...others } = properties;
  const element = Object.assign(document.createElement(tag), others);
  if (role) element.setAttribute("role", role);
  return element;
}

export default { render };
