"""HTML elements that all sections use."""
from report_parts.words import clean


def figure(picture: str, caption: str) -> str:
    """A picture with its caption, both HTML."""
    return f"<figure>{picture}<figcaption>{caption}</figcaption></figure>"


def section(question: str, *parts: str) -> str:
    return f"<h2>{clean(question)}</h2>" + "".join(parts)


def table(head: list[str], rows: list[list[str]], left: tuple[int, ...] = (0,),
          classes: list[str] | None = None) -> str:
    """A table whose cells are HTML; columns in `left` are aligned left."""
    def kind(column: int) -> str:
        return ' class="l"' if column in left else ""

    def row_of(cells: list[str], tag: str, look: str = "") -> str:
        row_class = f' class="{look}"' if look else ""
        return f"<tr{row_class}>" + "".join(
            f"<{tag}{kind(i)}>{cell}</{tag}>" for i, cell in enumerate(cells)) + "</tr>"

    looks = classes or [""] * len(rows)
    return (f'<div class="wide"><table><thead>{row_of(head, "th")}</thead><tbody>'
            + "".join(row_of(cells, "td", look) for cells, look in zip(rows, looks))
            + "</tbody></table></div>")


def keys(pairs: list[tuple[str, str]]) -> str:
    """A legend of (CSS colour, text) pairs."""
    return '<div class="keys">' + "".join(
        f'<span class="key"><i style="background:{colour}"></i>{clean(words)}</span>'
        for colour, words in pairs) + "</div>"


def folded(summary: str, body: str) -> str:
    return f"<details><summary>{clean(summary)}</summary>{body}</details>"


def caption(html: str) -> str:
    return f'<p class="caption">{html}</p>'
