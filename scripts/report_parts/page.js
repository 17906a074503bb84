// Words at the pointer at once, where browsers take a second; and all runs unfolded when printed.
(function () {
  var tip = document.createElement("div");
  tip.id = "tip";
  document.body.appendChild(tip);
  document.querySelectorAll("svg title").forEach(function (title) {
    title.parentNode.setAttribute("data-tip", title.textContent);
    title.remove();
  });
  document.querySelectorAll("[title]").forEach(function (element) {
    element.setAttribute("data-tip", element.title);
    element.removeAttribute("title");
  });
  document.addEventListener("mousemove", function (event) {
    var found = event.target.closest("[data-tip]");
    tip.style.display = found ? "block" : "none";
    if (!found) return;
    tip.textContent = found.getAttribute("data-tip");
    var left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    var above = event.clientY + 18 + tip.offsetHeight > innerHeight;
    tip.style.left = left + "px";
    tip.style.top = (above ? event.clientY - tip.offsetHeight - 12 : event.clientY + 18) + "px";
  });
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details.run").forEach(function (part) { part.open = true; });
  });
})();
