// Of the operator's pages of posts: each works without it.
"use strict";

// Arrow keys turn the calendar's pages; a choice in its bar is sent at once.
document.addEventListener("keydown", (event) => {
    const writing = event.target.closest("input, textarea, select, [contenteditable]");
    if (writing || event.ctrlKey || event.metaKey || event.altKey) return;
    const link = document.querySelector(`a[data-key="${CSS.escape(event.key)}"]`);
    if (link) link.click();
});
document.addEventListener("change", (event) => {
    if (event.target.matches("select[data-submits]")) event.target.form.submit();
});

// While a post is written: only the fields of what it is, how it will look, and one press is one save.
document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("form[data-writes]");
    if (!form) return;
    const look = document.getElementById("po-look");
    const files = form.querySelector("input[type=file]");
    let urls = [];
    let timer = 0;
    let asked = 0;

    const sections = () => {
        const kind = form.elements.kind.value;
        for (const part of form.querySelectorAll("[data-of]")) part.hidden = part.dataset.of !== kind;
    };
    const chosen = () => {
        urls.forEach(URL.revokeObjectURL);
        urls = [...files.files].map((file) => URL.createObjectURL(file));
    };
    const draw = async () => {
        const number = ++asked;
        const data = new FormData(form);
        data.delete("uploads");
        data.set("post", form.dataset.post);
        data.set("chosen", JSON.stringify([...files.files].map((file, place) => ({
            name: file.name, type: file.type, size: file.size, url: urls[place],
        }))));
        const answer = await fetch(form.dataset.writes, { method: "POST", body: data, credentials: "same-origin" });
        // An earlier question's answer may come last; a redirect leads to the login.
        if (answer.ok && !answer.redirected && number === asked) look.innerHTML = await answer.text();
    };
    const soon = () => {
        clearTimeout(timer);
        timer = setTimeout(draw, 300);
    };

    // Before the theme's own listener, which wants a field beside it that is not here.
    files.addEventListener("change", (event) => { event.stopImmediatePropagation(); chosen(); soon(); }, true);
    form.addEventListener("input", soon);
    form.addEventListener("change", () => { sections(); soon(); });
    form.addEventListener("submit", () => form.querySelectorAll("button[type=submit]").forEach((key) => { key.disabled = true; }));
    window.addEventListener("pageshow", () => form.querySelectorAll("button[type=submit]").forEach((key) => { key.disabled = false; }));
    sections();
});
