"""The words and marks every page is made of."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal

import pytest
import time_machine
from django.template import Context, Template

from namaskah.templatetags import ui

NOW = dt.datetime(2026, 11, 20, 10, 0, tzinfo=dt.UTC)


@dataclass
class Card:
    name: str
    icon: str


def render(source: str, **context: object) -> str:
    return Template(source).render(Context(context))


@pytest.mark.parametrize(
    ("amount", "words"),
    [("0.35", "$0.35"), ("-0.35", "−$0.35"), ("1234.5", "$1,234.50"), ("0.0125", "$0.0125")],
)
def test_money_is_written_with_sign_symbol_and_groups(amount: str, words: str) -> None:
    html = render("{% money amount 'USD' %}", amount=Decimal(amount))

    assert f">{words}</data>" in html


def test_money_that_came_in_carries_a_plus_when_asked() -> None:
    html = render("{% money amount 'USD' signed=True %}", amount=Decimal("25"))

    assert ">+$25.00</data>" in html


def test_money_without_an_amount_is_a_dash() -> None:
    assert render("{% money nothing 'USD' %}") == "–"


def test_minus_tells_what_is_missing() -> None:
    html = render("{{ price|minus:available }}", price=Decimal("0.35"), available=Decimal("0.10"))

    assert html == "0.25"


def test_icon_without_title_is_hidden_from_screen_readers() -> None:
    html = render('{% icon "copy" %}')

    assert html.startswith('<svg aria-hidden="true"')


def test_icon_title_is_escaped() -> None:
    html = render('{% icon "copy" title=title %}', title='Copy "it" <now>')

    assert 'role="img" aria-label="Copy &quot;it&quot; &lt;now&gt;"' in html


def test_service_icon_draws_the_brand_on_its_colour() -> None:
    html = render("{% service_icon card 40 %}", card=Card("WhatsApp", "whatsapp"))

    assert 'fill="#25d366"' in html
    assert "<path" in html


@pytest.mark.parametrize("slug", ["", "no-such-brand", "../../etc/passwd", "base_icon", "ticketmaster"])
def test_service_icon_falls_back_to_the_initial(slug: str) -> None:
    html = render("{% service_icon card %}", card=Card("éclair", slug))

    assert ">É</text>" in html


def test_service_icon_escapes_the_initial() -> None:
    html = render("{% service_icon card %}", card=Card("<&", ""))

    assert ">?</text>" in html


def test_service_icons_are_drawn_without_loading_the_whole_package() -> None:
    # In a process of its own: any other test may have loaded the package before.
    draw = "from namaskah.templatetags import ui; ui._service_icon('telegram', 'Telegram', 40)"
    code = f"import django, sys; django.setup(); {draw}; sys.exit('simplepycons' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("colour", ui.INITIAL_COLOURS)
def test_initials_have_enough_contrast(colour: str) -> None:
    assert 1.05 / (ui._luminance(colour) + 0.05) >= 4.5


@pytest.mark.parametrize(
    ("status", "tone", "word"),
    [
        ("waiting", "waiting", "Waiting for the code"),
        ("received", "received", "Code received"),
        ("expired", "returned", "Expired"),
        ("failed", "problem", "Failed"),
        ("released", "returned", "Returned"),
    ],
)
def test_status_badge_has_a_word_a_shape_and_a_tone(status: str, tone: str, word: str) -> None:
    html = render("{% status_badge status %}", status=status)

    assert f'data-tone="{tone}"' in html
    assert "<svg" in html
    assert html.endswith(f"{word}</span>")


def test_status_badge_takes_a_label_and_escapes_it() -> None:
    html = render("{% status_badge 'waiting' label %}", label="Cancelling <soon>")

    assert "Cancelling &lt;soon&gt;</span>" in html


def test_status_badge_is_short_in_lists() -> None:
    assert render("{% status_badge 'waiting' short=True %}").endswith("Waiting</span>")


@pytest.mark.parametrize(
    ("number", "form", "words"),
    [
        ("+447400123456", "international", "+44 7400 123456"),
        ("+447400123456", "local", "07400 123456"),
        ("12025550123", "local", "(202) 555-0123"),
        ("hello", "international", "hello"),
    ],
)
def test_phone_is_grouped_as_its_country_writes_it(number: str, form: str, words: str) -> None:
    assert ui.format_phone(number, form) == words


def test_digits_are_what_a_copy_button_copies() -> None:
    assert ui.digits("+44 7400 123456") == "+447400123456"
    assert ui.digits("(202) 555-0123") == "2025550123"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (-59, "just now"),
        (-125, "2 min ago"),
        (-7300, "2 h ago"),
        (-90000, "1 day ago"),
        (30, "in a moment"),
        (870, "in 14 min"),
    ],
)
def test_relative_times_read_in_both_directions(seconds: int, words: str) -> None:
    assert ui.format_relative(NOW + dt.timedelta(seconds=seconds), NOW) == words


def test_moment_says_utc_for_those_without_scripts() -> None:
    html = render("{% moment at 'clock' %}", at=NOW)

    assert 'datetime="2026-11-20T10:00:00Z"' in html
    assert '>10:00<span class="utc"> UTC</span></time>' in html


def test_moment_names_the_year_only_when_it_is_another_one() -> None:
    with time_machine.travel(NOW, tick=False):
        this_year = render("{% moment at 'recent' %}", at=NOW)
        last_year = render("{% moment at 'recent' %}", at=NOW - dt.timedelta(days=365))

    assert ">20 Nov, 10:00<" in this_year
    assert ">20 Nov 2025, 10:00<" in last_year


@pytest.mark.parametrize(
    ("seconds", "text"), [(872, "14:32"), (59, "0:59"), (3600, "1:00:00"), (0, "0:00"), (-5, "0:00")]
)
def test_countdown_carries_the_servers_clock(seconds: int, text: str) -> None:
    html = render("{% countdown deadline now %}", deadline=NOW + dt.timedelta(seconds=seconds), now=NOW)

    assert 'data-now="2026-11-20T10:00:00.000Z"' in html
    assert html.endswith(f">{text}</time>")
