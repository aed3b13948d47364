"""A sheet of A4 in our look: the base of every PDF.

The font is embedded, cut down to the letters used, because none of the fonts a PDF viewer must have knows the naira sign.
The same data gives the same bytes: the only time in a file is the one it is given.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from importlib.resources import files
from typing import Literal

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from fpdf import FPDF, ViewerPreferences
from fpdf.enums import XPos, YPos

FONTS = files("font_source_sans_pro") / "files"
INK, QUIET, LINE, ACCENT = (30, 28, 24), (93, 87, 77), (226, 220, 208), (12, 91, 91)
MARGIN_MM = 20.0
ROW_MM = 6.0
SMALL, TEXT, TITLE = 9, 10.5, 20
Align = Literal["L", "R"]


class Sheet(FPDF):
    """Pages with our name on top and their number below.

    Args:
        title: Also what the viewer's window shows.
        created_at: Aware; stands in the file as its date.
    """

    def __init__(self, *, title: str, author: str, subject: str, created_at: dt.datetime) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self.sender = author
        self.set_title(title)
        self.set_author(author)
        self.set_subject(subject)
        self.set_creator("Namaskah SMS")
        self.set_producer("Namaskah SMS")
        self.set_lang(get_language() or "en")
        self.set_creation_date(created_at.astimezone(dt.UTC))
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.add_font("Sans", "", str(FONTS / "SourceSansPro-Regular.ttf"))
        self.add_font("Sans", "B", str(FONTS / "SourceSansPro-Semibold.ttf"))
        self.set_margins(MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(True, margin=MARGIN_MM)
        self.add_page()

    def header(self) -> None:
        """The seller's name on each page."""
        self._ink(ACCENT, TEXT, "B")
        self.cell(0, ROW_MM, self.sender, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(ROW_MM)

    def footer(self) -> None:
        """Where one is."""
        self.set_y(-MARGIN_MM + ROW_MM)
        self._ink(QUIET, SMALL)
        page = _("Page %(page)s of %(pages)s") % {"page": self.page_no(), "pages": "{nb}"}
        self.cell(0, ROW_MM, page, align="R")

    def heading(self, text: str) -> None:
        """The title of the document."""
        self._ink(INK, TITLE, "B")
        self.multi_cell(0, 10, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(2)

    def subheading(self, text: str) -> None:
        """The title of a part."""
        self.ln(ROW_MM)
        self._ink(INK, TEXT, "B")
        self.cell(0, ROW_MM, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def block(self, lines: Sequence[str], *, quiet: bool = False) -> None:
        """Lines of text below each other, each folded where it is too long."""
        self._ink(QUIET if quiet else INK, TEXT)
        for line in lines:
            self.multi_cell(0, ROW_MM - 0.5, line, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def pair(self, label: str, value: str, *, strong: bool = False) -> None:
        """A label with its value, under a hairline."""
        self._rule()
        self._ink(QUIET, TEXT)
        self.cell(62, ROW_MM + 2, label)
        self._ink(INK, TEXT, "B" if strong else "")
        self.multi_cell(0, ROW_MM + 2, value, align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def row(
        self,
        cells: Sequence[str],
        widths: Sequence[float],
        aligns: Sequence[Align],
        *,
        head: bool = False,
        strong: bool = False,
    ) -> None:
        """One line of a table; a text that is too long for its column is cut."""
        self._rule()
        self._ink(QUIET if head else INK, SMALL, "B" if strong else "")
        for text, width, align in zip(cells, widths, aligns, strict=True):
            self.cell(width, ROW_MM, self._fitting(text, width), align=align)
        self.ln(ROW_MM)

    def as_bytes(self) -> bytes:
        """The file."""
        return bytes(self.output())

    def _ink(self, colour: tuple[int, int, int], size: float, style: Literal["", "B"] = "") -> None:
        self.set_text_color(*colour)
        self.set_font("Sans", style, size)

    def _rule(self) -> None:
        """A hairline above what follows, on the page where that will stand."""
        if self.will_page_break(ROW_MM + 2):
            self.add_page()
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())

    def _fitting(self, text: str, width: float) -> str:
        room = width - 2 * self.c_margin
        if self.get_string_width(text) <= room:
            return text
        while text and self.get_string_width(f"{text}…") > room:
            text = text[:-1]
        return f"{text}…"
