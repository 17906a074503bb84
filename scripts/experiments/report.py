"""Tables: Markdown for readers, JSON for programs."""
import dataclasses
import json
import math
from dataclasses import dataclass

from spread import short


@dataclass(frozen=True)
class Table:
    """Rows with equal keys, which are the titles of the columns. A cell is a text, a number, an Estimate, a Range, or
    None for what is not published.
    `note` is printed below the table."""
    title: str
    rows: list[dict[str, object]]
    note: str = ""


def text_of(cell) -> str:
    if cell is None:
        return "not published"
    if isinstance(cell, float):
        return short(cell)
    return str(cell)


def markdown(table: Table) -> str:
    head = list(table.rows[0])
    cells = [head, *([text_of(cell) for cell in row.values()] for row in table.rows)]
    widths = [max(2, *(len(row[i]) for row in cells)) for i in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [
        "| " + " | ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                          for i, (cell, width) in enumerate(zip(row, widths))) + " |"
        for row in [head, rule, *cells[1:]]]
    return "\n".join([f"**{table.title}**", "", *lines, *(["", table.note] if table.note else [])])


def plain(cell):
    """The cell as a JSON value; NaN becomes null."""
    if dataclasses.is_dataclass(cell):
        return {key: plain(value) for key, value in dataclasses.asdict(cell).items()}
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    return cell


def show(tables: list[Table], version: str, as_json: bool) -> None:
    """Prints the tables on standard output."""
    if not as_json:
        print("\n\n".join([version, *map(markdown, tables)]))
        return
    content = [{"title": table.title, "note": table.note,
                "rows": [{key: plain(cell) for key, cell in row.items()} for row in table.rows]}
               for table in tables]
    print(json.dumps({"version": version, "tables": content}, indent=2, ensure_ascii=False))
